/* The horizontal picker of many rows. The two boxes are loaded from the server, page by page.
   Added and removed rows are kept here by their keys, and sent packed into two inputs. */
"use strict";

{
    const WAIT = 200; // ms after the last key typed in a filter
    const MAX_CHANGES = 100_000; // at once; Django accepts 2.5 MB
    const NEAR_END = 60; // px from the end of a box: more rows are loaded

    const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);
    const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, key) => values[key]);
    const matches = (text, term) => {
        const words = term.toLowerCase().split(/\s+/);
        return words.every((word) => text.toLowerCase().includes(word));
    };

    function optionsOf(rows) {
        return Array.from(rows, ([id, text]) => {
            const option = new Option(text, id);
            option.title = text;
            return option;
        });
    }

    /* One of the two boxes.
       name: its name on the server · rows: the rows that the server sent, text by key
       · leaving, coming: the unsaved rows that leave this box, that come into it. */
    class Box {
        constructor(picker, {name, suffix, input, move, all, coming, leaving}) {
            const element = (end) => document.getElementById(picker.id + end);
            Object.assign(this, {picker, name, coming, leaving});
            this.select = element(suffix);
            this.input = element(input);
            this.moveButton = element(move);
            this.allButton = element(all);
            this.moreButton = element(`${suffix}_more`);
            this.status = element(`${suffix}_status`);
            this.rows = new Map();
            this.page = 0;
            this.more = false;
            this.loading = null;
            this.shownTerm = null; // the term of the rows shown; the filter may be ahead of it
            this.listen();
        }

        get term() {
            return this.input.value.trim();
        }

        listen() {
            const {select, input} = this;
            input.addEventListener("input", () => {
                clearTimeout(this.timer);
                this.timer = setTimeout(() => this.load(), WAIT);
            });
            input.addEventListener("keydown", (event) => this.filterKey(event));
            select.addEventListener("keydown", (event) => this.selectKey(event));
            select.addEventListener("change", () => this.picker.refreshButtons());
            select.addEventListener("dblclick", (event) => {
                if (event.target.tagName === "OPTION") {
                    this.moveSelected();
                }
            });
            select.addEventListener("scroll", () => {
                if (this.more && select.scrollTop + select.clientHeight > select.scrollHeight - NEAR_END) {
                    this.loadMore();
                }
            });
            this.moveButton.addEventListener("click", () => {
                this.moveSelected();
                select.focus(); // the button is disabled now
            });
            this.allButton.addEventListener("click", () => this.moveAll());
            this.moreButton.addEventListener("click", async () => {
                const index = select.options.length;
                await this.loadMore();
                if (this.moreButton.hidden) {
                    select.focus();
                    select.selectedIndex = Math.min(index, select.options.length - 1);
                    this.picker.refreshButtons();
                }
            });
        }

        /* As in Django's picker: Enter moves the first row or the selected ones, arrow keys select. */
        async filterKey(event) {
            const {select} = this;
            const across = this.name === "available" ? "ArrowRight" : "ArrowLeft";
            if (event.key === "Enter") {
                event.preventDefault(); // don't send the form
                if (this.shownTerm !== this.term) {
                    await this.load(); // else a fast typist gets the first row of the previous filter
                    if (this.shownTerm !== this.term) {
                        return;
                    }
                }
                if (!select.selectedOptions.length) {
                    select.selectedIndex = 0;
                }
                this.moveOn();
            } else if (event.key === across && select.selectedOptions.length) {
                event.preventDefault();
                this.moveOn();
            } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                event.preventDefault();
                const step = event.key === "ArrowDown" ? 1 : -1;
                const length = select.options.length;
                const from = select.selectedIndex < 0 && step < 0 ? 0 : select.selectedIndex;
                select.selectedIndex = length ? (from + step + length) % length : -1;
                this.picker.refreshButtons();
            }
        }

        selectKey(event) {
            const across = this.name === "available" ? "ArrowRight" : "ArrowLeft";
            if (event.key === "Enter" || event.key === across) {
                event.preventDefault();
                this.moveOn();
            }
        }

        // Loading -----------------------------------------------------------------------

        async fetch(parameters) {
            const {url, object_id} = this.picker.data;
            const query = new URLSearchParams({
                object_id, side: this.name, term: this.term, ...parameters,
            });
            clearTimeout(this.timer);
            this.loading?.abort();
            const loading = new AbortController();
            this.loading = loading;
            this.say(this.picker.data.textLoading);
            let status = 0;
            try {
                const response = await fetch(`${url}?${query}`, {
                    headers: {Accept: "application/json"}, signal: loading.signal,
                });
                const isPage = !response.headers.get("Content-Type")?.includes("json");
                if (!response.ok || isPage) {
                    status = response.status;
                    throw new Error(status);
                }
                return await response.json();
            } catch (error) {
                if (error.name !== "AbortError") {
                    this.say(window.whyNotLoaded(status));
                    this.moreButton.hidden = false; // to try again
                }
                return null;
            } finally {
                if (this.loading === loading) {
                    this.loading = null;
                }
            }
        }

        load() {
            this.page = 0;
            this.shownTerm = null;
            return this.loadMore();
        }

        async loadMore() {
            if (this.page && this.loading) {
                return;
            }
            const {term} = this;
            const page = term === this.shownTerm ? this.page + 1 : 1;
            const answer = await this.fetch({page});
            if (!answer) {
                return;
            }
            if (page === 1) {
                this.rows.clear();
                this.shownTerm = term;
            }
            for (const {id, text} of answer.results) {
                this.rows.set(id, text);
            }
            this.page = page;
            this.more = answer.pagination.more;
            this.picker.count = answer.count ?? this.picker.count;
            this.picker.show();
        }

        say(text) {
            if (this.status.textContent !== text) {
                this.status.textContent = text;
            }
        }

        // Moving ------------------------------------------------------------------------

        moveSelected() {
            this.move(Array.from(this.select.selectedOptions, (option) => [option.value, option.text]));
        }

        /* Moves by keyboard: the next row gets selected, for the next key. */
        moveOn() {
            const index = this.select.selectedIndex;
            this.moveSelected();
            this.select.selectedIndex = Math.min(index, this.select.options.length - 1);
            this.picker.refreshButtons();
        }

        /* Moves all rows that match, loaded or not. */
        async moveAll() {
            const {data} = this.picker;
            const {term} = this;
            const answer = await this.fetch({all: 1});
            if (!answer) {
                return;
            }
            if (answer.pagination.more) {
                await this.load();
                this.say(fill(data.textMany, {limit: number(Number(data.limit))}));
                return;
            }
            const {added, removed} = this.picker;
            if (added.size + removed.size + answer.results.length > MAX_CHANGES) {
                this.say(fill(data.textFull, {limit: number(MAX_CHANGES)}));
                return;
            }
            this.rows = new Map(answer.results.map(({id, text}) => [id, text]));
            this.shownTerm = term;
            this.more = false;
            this.move([...this.comingHere(), ...Array.from(this.rows).filter(([id]) => !this.leaving.has(id))]);
            this.select.focus(); // the button is disabled now
        }

        /* Moves rows out of this box. A row that was to come is not any more; others get saved. */
        move(rows) {
            for (const [id, text] of rows) {
                if (this.coming.delete(id)) {
                    this.other.takeBack(id, text);
                } else {
                    this.leaving.set(id, text);
                }
            }
            this.picker.changed();
        }

        takeBack(id, text) {
            if (matches(text, this.term)) {
                this.rows.set(id, text);
            }
        }

        // Showing -----------------------------------------------------------------------

        comingHere() {
            return Array.from(this.coming).filter(([, text]) => matches(text, this.term));
        }

        show() {
            const {select, picker} = this;
            const selected = new Set(Array.from(select.selectedOptions, (option) => option.value));
            const top = select.scrollTop;
            const coming = this.comingHere();
            const here = Array.from(this.rows).filter(([id]) => !this.leaving.has(id) && !this.coming.has(id));
            select.replaceChildren(...optionsOf(here));
            if (coming.length) {
                const group = document.createElement("optgroup");
                group.label = this.name === "chosen" ? picker.data.textAdded : picker.data.textRemoved;
                group.append(...optionsOf(coming));
                select.prepend(group);
            }
            for (const option of select.options) {
                option.selected = selected.has(option.value);
            }
            select.scrollTop = top;
            const text = this.more ? picker.data.textMore : picker.data.textAll;
            this.say(fill(text, {shown: number(here.length)}));
            this.moreButton.hidden = !this.more;
            if (this.more && !here.length) {
                this.loadMore();
            }
        }
    }

    class Picker {
        constructor(element) {
            this.element = element;
            this.data = element.dataset;
            this.id = element.id.replace(/_selector$/, "");
            this.state = document.getElementById(`${this.id}_state`);
            this.count = 0;
            const pending = JSON.parse(document.getElementById(`${this.id}_pending`).textContent);
            const [added, removed] = ["added", "removed"].map(
                (side) => new Map(pending[side].map(({id, text}) => [id, text])),
            );
            Object.assign(this, {added, removed});
            [this.addedInput, this.removedInput] = element.querySelectorAll("input[type=hidden]");
            this.boxes = [
                new Box(this, {
                    name: "available", suffix: "_from", input: "_input", move: "_add", all: "_add_all",
                    coming: removed, leaving: added,
                }),
                new Box(this, {
                    name: "chosen", suffix: "_to", input: "_selected_input", move: "_remove", all: "_remove_all",
                    coming: added, leaving: removed,
                }),
            ];
            const [available, chosen] = this.boxes;
            [available.other, chosen.other] = [chosen, available];
            this.receive();
            element.addEventListener("picks", () => this.bringBack());
            element.hidden = false;
            for (const box of this.boxes) {
                if (box.name === "chosen" && !this.data.object_id) {
                    box.show(); // a new record: nothing to load yet
                } else {
                    box.load();
                }
            }
            this.pack();
        }

        /* A row that was added in Django's popup arrives as an option. */
        receive() {
            const receiver = document.getElementById(this.id);
            new MutationObserver(() => {
                for (const {value, text} of receiver.options) {
                    this.added.set(value, text);
                }
                if (receiver.options.length) {
                    receiver.replaceChildren();
                    this.changed();
                }
            }).observe(receiver, {childList: true});
        }

        /* What was chosen before the page was left, without what is saved by now. */
        async bringBack() {
            const inputs = {added: this.addedInput, removed: this.removedInput};
            const body = new URLSearchParams({
                csrfmiddlewaretoken: this.addedInput.form.querySelector("[name=csrfmiddlewaretoken]").value,
            });
            const rows = {};
            for (const [side, input] of Object.entries(inputs)) {
                body.set(side, input.value);
                rows[side] = JSON.parse(input.value || "[]").map((id) => ({id, text: `#${id}`}));
            }
            try {
                const query = new URLSearchParams({object_id: this.data.object_id});
                const response = await fetch(`${this.data.url}?${query}`, {method: "POST", body});
                Object.assign(rows, response.ok ? await response.json() : {});
            } catch {
                // The keys are all that is known.
            }
            for (const side of ["added", "removed"]) {
                this[side].clear();
                rows[side].forEach(({id, text}) => this[side].set(id, text));
            }
            this.changed();
        }

        changed() {
            this.pack();
            this.addedInput.dispatchEvent(new Event("change", {bubbles: true}));
            this.show();
        }

        pack() {
            this.addedInput.value = JSON.stringify([...this.added.keys()]);
            this.removedInput.value = JSON.stringify([...this.removed.keys()]);
        }

        show() {
            for (const box of this.boxes) {
                if (!box.loading) {
                    box.show();
                }
            }
            const {added, removed} = this;
            this.state.textContent = fill(this.data.textState, {
                chosen: number(this.count + added.size - removed.size),
                added: number(added.size),
                removed: number(removed.size),
            });
            this.refreshButtons();
        }

        refreshButtons() {
            for (const box of this.boxes) {
                box.moveButton.disabled = !box.select.selectedOptions.length;
                box.allButton.disabled = !box.select.options.length;
            }
        }
    }

    for (const element of document.querySelectorAll(".selector[data-url]")) {
        new Picker(element);
    }
}
