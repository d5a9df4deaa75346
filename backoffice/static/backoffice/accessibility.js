/* Names for elements that Django's scripts and select2 add to the page without one.
   tests/test_upstream.py fails when one of these is fixed upstream. */
"use strict";

function labelOf(select) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    return select.getAttribute("aria-label") || (label ? label.textContent.replace(/:\s*$/, "").trim() : "");
}

/* The icon beside the picker's search box: a span may not have a label, an image may. */
function nameIcons(root) {
    for (const icon of root.querySelectorAll("span.help-tooltip[aria-label]:not([role])")) {
        icon.setAttribute("role", "img");
    }
}

/* select2's combobox refers to an empty element for its name. */
function nameSelect2(root) {
    for (const box of root.querySelectorAll("select.select2-hidden-accessible + .select2-container")) {
        const name = labelOf(box.previousElementSibling);
        const combobox = box.querySelector("[role=combobox]");
        const value = box.querySelector("[role=textbox]");
        if (combobox && name && combobox.getAttribute("aria-label") !== name) {
            combobox.setAttribute("aria-label", name);
            combobox.removeAttribute("aria-labelledby");
        }
        // Of several values, it is there before it is open.
        const field = box.querySelector(".select2-search__field:not([aria-label])");
        if (field && name) {
            field.setAttribute("aria-label", name);
        }
        if (value) {
            value.removeAttribute("role");
            value.removeAttribute("aria-readonly");
        }
    }
    for (const open of root.querySelectorAll(".select2-container--open [role=combobox][aria-owns]")) {
        open.setAttribute("aria-controls", open.getAttribute("aria-owns"));
    }
    for (const search of root.querySelectorAll(".select2-container--open .select2-search__field:not([aria-label])")) {
        search.setAttribute("aria-label", "Search");
    }
    for (const results of root.querySelectorAll(".select2-results__options[role=listbox]:not([aria-label])")) {
        results.setAttribute("aria-label", "Results");
    }
}

function nameAll() {
    nameIcons(document);
    nameSelect2(document);
}

nameAll();
new MutationObserver(nameAll).observe(document.body, {childList: true, subtree: true});
