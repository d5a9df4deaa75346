/* Asks before unsaved edits are left for another page or search of an inline. */
"use strict";

{
    /* The boxes of pickers with two boxes: their options are selected only on submit. */
    const boxes = "select.filtered:not([name$=_old])";
    const optionsOf = (box) => Array.from(box.options, (option) => option.value).sort().join();
    const before = new Map();

    function isChanged(field) {
        if (!field.name || field.disabled || field.matches(".filtered")) {
            return false;
        }
        if (field.matches("[type=checkbox], [type=radio]")) {
            return field.checked !== field.defaultChecked;
        }
        if (field.options) {
            // A select without a selected option in the HTML shows its first one.
            const options = Array.from(field.options);
            const initial = options.filter((option) => option.defaultSelected);
            const first = field.multiple || initial.length ? initial : options.slice(0, 1);
            return options.some((option) => option.selected !== first.includes(option));
        }
        return field.value !== field.defaultValue;
    }

    function mayLeave(rows) {
        const form = rows.closest("form");
        const unsaved =
            rows.dataset.unsaved === "true" ||
            Array.from(form.elements).some(isChanged) ||
            Array.from(before).some(([box, options]) => optionsOf(box) !== options);
        return !unsaved || window.confirm(rows.dataset.question);
    }

    window.addEventListener("load", () => {
        for (const box of document.querySelectorAll(boxes)) {
            before.set(box, optionsOf(box));
        }
    });

    document.addEventListener("click", (event) => {
        const link = event.target.closest(".inline-pages a, .inline-search a");
        const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
        if (link && !elsewhere && !mayLeave(link.closest(".paged-inline"))) {
            event.preventDefault();
        }
    });

    document.addEventListener("submit", (event) => {
        const rows = document.getElementById(event.target.dataset.rows);
        if (rows && !mayLeave(rows)) {
            event.preventDefault();
        }
    });
}
