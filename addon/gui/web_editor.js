// What the add-on does in the web view of an editor: in Anki's page of a note, of Anki 23.10 and later.
(() => {
    if (window.ankiConnect) {
        return;
    }
    let turn = null;
    // What an input method is composing: the field, its text before, and whether that was handed over since.
    let composing = null;
    const late = new Map(); // texts that wait for the end of that, by the order of their field
    let lateTags = null; // tags that wait for the end of one that is being typed

    // For a moment after loading, Anki moves the cursor, which saves: of a note deleted then, that would fail.
    function loaded() {
        return require("anki/ui").loaded.then(() => new Promise((done) => setTimeout(done, 100)));
    }

    // One thing after the other. Saving takes turns since Anki 26.08: otherwise, what is set would come late.
    function inTurn(work) {
        turn = (turn || loaded()).then(work).catch(() => {});
        return turn;
    }

    function tagInput() {
        const active = document.activeElement;
        return active?.classList.contains("tag-input") ? active : null;
    }

    // Anki's own saving. It takes the keyboard from a tag that is being typed, which would end the tag.
    function save(tagsToo) {
        const input = tagsToo ? null : tagInput();
        if (composing) {
            composing.handedOver = true;
        }
        if (input) {
            input.blur = () => {};
        }
        try {
            return saveNow(true);
        } finally {
            if (input) {
                delete input.blur;
            }
        }
    }

    function textOf(order) {
        let text = "";
        require("anki/NoteEditor").instances[0].fields[order].editingArea.content.subscribe(
            (content) => (text = content),
        )();
        text = text.replace(/ data-editor-shrink="(true|false)"/g, "");
        return text === "<br>" || text === "<div><br></div>" ? "" : text;
    }

    function orderWithCaret() {
        const field = document.activeElement?.closest(".field-container");
        return field ? [...document.querySelectorAll(".field-container")].indexOf(field) : -1;
    }

    // The lengths of the start and the end that two texts share.
    function shared(before, now) {
        const shorter = Math.min(before.length, now.length);
        let start = 0;
        while (start < shorter && before[start] === now[start]) {
            start++;
        }
        let end = 0;
        while (end < shorter - start && before[before.length - 1 - end] === now[now.length - 1 - end]) {
            end++;
        }
        return [start, end];
    }

    // The letters that made `before` into `now`; null when it was more than typing.
    function lettersTyped(before, now) {
        [before, now] = [before, now].map((text) => text.replaceAll("&nbsp;", " "));
        const [start, end] = shared(before, now);
        const letters = now.slice(start, now.length - end);
        const isInTag = now.lastIndexOf("<", start - 1) > now.lastIndexOf(">", start - 1);
        const isPlain = before.length === start + end && !/[<>&]/.test(letters) && !(letters && start && isInTag);
        return isPlain ? letters : null;
    }

    // Where a place of one text is in another, as near as can be.
    function moved(place, before, now) {
        const [start, end] = shared(before, now);
        if (place <= start) {
            return place;
        }
        const fromEnd = before.length - place;
        return fromEnd <= end ? now.length - fromEnd : Math.min(place, now.length - end);
    }

    // The caret in formatted text. Places are counted in letters; an element counts as one.
    class RichCaret {
        constructor(editable) {
            this.editable = editable;
            const root = editable.getRootNode();
            this.selection = root.getSelection ? root.getSelection() : document.getSelection();
            const { anchorNode, anchorOffset, focusNode, focusOffset } = this.selection;
            this.before = this.letters();
            this.anchor = this.placeOf(anchorNode, anchorOffset);
            this.focus = this.placeOf(focusNode, focusOffset);
        }

        nodes() {
            const all = document.createTreeWalker(this.editable, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
            const nodes = [];
            while (all.nextNode()) {
                nodes.push(all.currentNode);
            }
            return nodes;
        }

        letters() {
            return this.nodes()
                .map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : "\ufffc"))
                .join("");
        }

        placeOf(node, offset) {
            const range = document.createRange();
            range.selectNodeContents(this.editable);
            try {
                range.setEnd(node, offset);
            } catch {
                return this.before.length; // there is no caret
            }
            let place = 0;
            for (const each of this.nodes()) {
                if (each === range.endContainer && each.nodeType === Node.TEXT_NODE) {
                    return place + offset;
                }
                if (range.comparePoint(each, 0) > 0 || !range.intersectsNode(each)) {
                    return place;
                }
                place += each.nodeType === Node.TEXT_NODE ? each.data.length : 1;
            }
            return place;
        }

        pointAt(place) {
            for (const node of this.nodes()) {
                const length = node.nodeType === Node.TEXT_NODE ? node.data.length : 1;
                const isText = node.nodeType === Node.TEXT_NODE;
                if (isText && place <= length) {
                    return [node, place];
                }
                if (!isText && place === 0) {
                    return [node.parentNode, [...node.parentNode.childNodes].indexOf(node)];
                }
                place -= length;
            }
            return [this.editable, this.editable.childNodes.length];
        }

        // Anki shows what is set in a field only while the field has not got the caret.
        refresh() {
            this.editable.dispatchEvent(new FocusEvent("blur"));
            if (document.hasFocus()) {
                this.editable.dispatchEvent(new FocusEvent("focus"));
            }
        }

        restore(letters) {
            this.refresh();
            const now = this.letters();
            const anchor = moved(letters ? this.focus : this.anchor, this.before, now);
            const focus = moved(this.focus, this.before, now);
            this.selection.setBaseAndExtent(...this.pointAt(anchor), ...this.pointAt(focus));
            if (letters) {
                document.execCommand("insertText", false, letters);
            }
        }
    }

    // The caret in a field's HTML.
    class CodeCaret {
        constructor(code) {
            this.code = code;
            this.before = code.getValue();
            this.places = ["anchor", "head"].map((end) => code.indexFromPos(code.getCursor(end)));
        }

        restore(letters) {
            const { code } = this;
            code.constructor.signal(code, "blur", code, new FocusEvent("blur"));
            if (document.hasFocus()) {
                code.constructor.signal(code, "focus", code, new FocusEvent("focus"));
            }
            const now = code.getValue();
            const [anchor, head] = this.places.map((place) => code.posFromIndex(moved(place, this.before, now)));
            code.setSelection(letters ? head : anchor, head);
            if (letters) {
                code.replaceSelection(letters);
            }
        }
    }

    // The caret, if it is in this field.
    function caretIn(order) {
        if (orderWithCaret() !== order) {
            return null;
        }
        const active = document.activeElement;
        const code = active.closest(".CodeMirror")?.CodeMirror;
        if (code) {
            return new CodeCaret(code);
        }
        const editable = active.shadowRoot?.activeElement;
        return editable ? new RichCaret(editable) : null;
    }

    // Puts a text into a field that held another. What was typed there since is typed into the new text.
    function put(noteId, order, { number, before, now }) {
        try {
            replace(noteId, order, before, now);
            bridgeCommand(`ankiconnect:shown:${order}:${number}`);
        } catch {
            bridgeCommand(`ankiconnect:failed:${order}:${number}`); // the note is loaded anew
        }
    }

    function replace(noteId, order, before, now) {
        const present = textOf(order);
        const caret = caretIn(order);
        const letters = lettersTyped(before, present);
        if (present !== now) {
            if (letters === null || (letters && !caret)) {
                // The person can have it back by Undo.
                bridgeCommand(`ankiconnect:typed:${order}:${noteId}:${present}`);
            }
            require("anki/NoteEditor").instances[0].fields[order].editingArea.content.set(now);
            caret?.restore(letters);
        }
    }

    function putLate() {
        if (composing) {
            return;
        }
        for (const [order, text] of late) {
            late.delete(order);
            if (getNoteId() === text.noteId) {
                put(text.noteId, order, text);
            }
        }
    }

    function putTags() {
        if (lateTags && !tagInput()) {
            const { noteId, tags, number } = lateTags;
            lateTags = null;
            if (getNoteId() === noteId) {
                setTags(tags);
                bridgeCommand(`ankiconnect:shown:tags:${number}`);
            }
        }
    }

    function inWeb(event, work) {
        document.addEventListener(event, work, true);
    }

    inWeb("compositionstart", () => {
        const order = orderWithCaret();
        composing = { order, before: order < 0 ? "" : textOf(order), handedOver: false };
    });
    function endComposition() {
        composing = null;
        setTimeout(putLate);
    }
    inWeb("compositionend", endComposition);
    inWeb("input", (event) => {
        // The end of a composition is not told where its field was taken away.
        if (composing && !event.isComposing) {
            endComposition();
        }
    });
    inWeb("focusout", () => setTimeout(putTags));

    window.ankiConnect = {
        // Saves what was typed, and tells so.
        handOver(number, tagsToo) {
            inTurn(() => save(tagsToo)).then(() => bridgeCommand(`ankiconnect:saved:${number}`));
        },

        // Shows other texts in fields, given as [order, before, now], and other tags, without loading the note.
        show(noteId, number, texts, tags) {
            inTurn(async () => {
                if (getNoteId() !== noteId) {
                    return;
                }
                // Up to Anki 25.09, setting one field forgets what was typed into another.
                await save(false);
                for (const [order, before, now] of texts) {
                    const text = { noteId, number, before, now };
                    if (composing?.order === order) {
                        // Replacing the text would end what is being composed.
                        text.before = composing.handedOver ? composing.before : before;
                        text.before = late.get(order)?.before ?? text.before;
                        late.set(order, text);
                    } else {
                        put(noteId, order, text);
                    }
                }
                if (tags) {
                    lateTags = { noteId, number, tags };
                    putTags();
                }
            });
        },
    };
})();
