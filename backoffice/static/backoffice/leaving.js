/* Asks before typed text is left unsaved, whichever way the page is left. A page is asked about if
   a field of one of its forms differs from what the page was shown with, and if the server
   marked it (data-unsaved): what was typed came back unsaved, with errors or as a preview. */
"use strict";

{
    /* Forms that save nothing: sign-in, filters, searches, and those that say so. */
    const isKept = (form) =>
        form.getAttribute("method")?.toLowerCase() === "post" &&
        !form.matches("#login-form, #logout-form, [data-nothing-to-save]");
    /* The ticks and the action of a list. */
    const OF_A_LIST = ".action-select, [name=action], [name=select_across]";
    const TWO_BOXES = ".selectfilter, .selectfilterstacked"; // before Django's script, which makes two of it

    const shown = new WeakMap(); // the values that a select was shown with
    const boxes = new Map(); // the same of Django's pickers with two boxes, by name
    const sent = new WeakMap(); // what was sent of a form, where the browser brings back the page itself
    let sending = null; // the form that is on its way

    const valuesOf = (options) => JSON.stringify(Array.from(options, (option) => option.value).sort());

    function remember(root) {
        for (const select of root.querySelectorAll("select")) {
            let first = Array.from(select.options).filter((option) => option.defaultSelected);
            if (!first.length && !select.multiple) {
                first = Array.from(select.options).filter((option) => !option.disabled).slice(0, 1);
            }
            if (select.matches(TWO_BOXES)) {
                boxes.set(select.name, valuesOf(first));
            } else {
                shown.set(select, valuesOf(first));
            }
        }
    }

    /* The value that an input shows of its attribute: a line has no line breaks, for one. */
    function shownValue(field) {
        if (field.type === "textarea") {
            return field.defaultValue;
        }
        const fresh = document.createElement("input");
        fresh.type = field.type;
        fresh.defaultValue = field.defaultValue;
        return fresh.value;
    }

    function isChanged(field) {
        if (!field.name || field.disabled || field.matches(OF_A_LIST)) {
            return false;
        }
        if (field.type === "hidden") {
            // The choices of a picker; scripts write others.
            return "picks" in field.dataset && !["", "[]"].includes(field.value);
        }
        if (field.type === "checkbox" || field.type === "radio") {
            return field.checked !== field.defaultChecked;
        }
        if (field.matches("select.filtered")) {
            return !field.name.endsWith("_old") && valuesOf(field.options) !== (boxes.get(field.name) ?? "[]");
        }
        if (field.options) {
            const before = shown.get(field);
            return before !== undefined && valuesOf(field.selectedOptions) !== before;
        }
        if (!("defaultValue" in field) || field.value === field.defaultValue) {
            return false;
        }
        return field.value !== field.dataset.sent && field.value !== shownValue(field);
    }

    const valueOf = (field) =>
        field.options ? valuesOf(field.matches(".filtered") ? field.options : field.selectedOptions) : `${field.checked} ${field.value}`;

    function isUnsaved(form) {
        const known = sent.get(form);
        if (known) {
            return Array.from(form.elements).some((field) => known.get(field) !== valueOf(field));
        }
        return form.matches("[data-unsaved]") || Boolean(form.querySelector("[data-unsaved]")) ||
            Array.from(form.elements).some(isChanged);
    }

    function areUnsaved() {
        return Array.from(document.forms).some((form) => isKept(form) && form !== sending && isUnsaved(form));
    }

    function ask(event) {
        if (areUnsaved()) {
            event.preventDefault();
            event.returnValue = true; // for browsers that don't know the former
        }
    }

    /* Browsers treat a page that may ask as a special case: only where there is something to ask. */
    function update() {
        const change = areUnsaved() ? "addEventListener" : "removeEventListener";
        window[change]("beforeunload", ask);
    }

    remember(document);
    document.addEventListener("formset:added", (event) => remember(event.target));

    // On the window: after all others, who may change a field or keep the form from being sent.
    for (const name of ["input", "change", "click", "dblclick", "keyup", "drop", "focus"]) {
        window.addEventListener(name, () => {
            sending = null; // it did not leave the page: its answer is a file, or didn't come
            update();
        });
    }
    window.addEventListener("submit", (event) => {
        sending = event.defaultPrevented || event.target.hasAttribute("target") ? null : event.target;
        update();
    });
    window.addEventListener("pageshow", (event) => {
        if (event.persisted && sending && isKept(sending)) {
            const fields = Array.from(sending.elements);
            sent.set(sending, new Map(fields.map((field) => [field, valueOf(field)])));
        }
        sending = null;
        window.setTimeout(update); // when what the browser and other scripts bring back is there
    });
}
