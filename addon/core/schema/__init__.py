"""What values look like on the wire: codecs of declared types."""
