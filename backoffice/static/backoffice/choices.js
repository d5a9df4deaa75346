/* Brings back what was chosen in autocompletes and pickers, where staff go back to a page: the
   browser brings back what was typed, but knows no choices that scripts made. They are kept in
   the state of the page in the browser's history. */
"use strict";

{
    const CHOICES = "select.admin-autocomplete[name], select.filtered[name]:not([name$=_old]), input[data-picks]";
    const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
    let last = ""; // what was kept last, as JSON
    const kept = isBack ? history.state?.choices ?? {} : {};

    function chosenIn(field) {
        if (!field.options) {
            return field.value;
        }
        const options = field.matches(".filtered") ? field.options : field.selectedOptions;
        return Array.from(options, (option) => [option.value, option.text]);
    }

    function bringBackBoxes(to, chosen) {
        const id = to.id.replace(/_to$/, "");
        const wanted = new Set(chosen.map(([value]) => value));
        const move = (from, into, isMoved) => {
            for (const option of document.getElementById(from).options) {
                option.selected = isMoved(option.value);
            }
            window.SelectBox.move(from, into);
        };
        move(`${id}_from`, to.id, (value) => wanted.has(value));
        move(to.id, `${id}_from`, (value) => !wanted.has(value));
        window.SelectFilter.refresh_icons(id);
    }

    function bringBackOptions(select, chosen) {
        const known = new Map(Array.from(select.options, (option) => [option.value, option]));
        const wanted = chosen.map(([value, text]) => {
            const option = known.get(value) ?? new Option(text, value);
            select.append(option);
            return option;
        });
        for (const option of select.options) {
            option.selected = wanted.includes(option);
        }
        window.django.jQuery(select).trigger("change");
    }

    function bringBack() {
        const pickers = new Set();
        for (const field of document.querySelectorAll(CHOICES)) {
            const chosen = kept[field.name];
            if (chosen === undefined || JSON.stringify(chosen) === JSON.stringify(chosenIn(field))) {
                continue;
            }
            if (field.matches(".filtered")) {
                bringBackBoxes(field, chosen);
            } else if (field.options) {
                bringBackOptions(field, chosen);
            } else {
                field.value = chosen;
                pickers.add(field.closest(".selector"));
            }
        }
        pickers.forEach((picker) => picker.dispatchEvent(new Event("picks")));
    }

    function chosen() {
        const fields = Array.from(document.querySelectorAll(CHOICES));
        return Object.fromEntries(fields.map((field) => [field.name, chosenIn(field)]));
    }

    function keep() {
        const choices = chosen();
        if (JSON.stringify(choices) !== last) {
            last = JSON.stringify(choices);
            history.replaceState({...history.state, choices}, "");
        }
    }

    // On the window: after the scripts that choose.
    for (const name of ["change", "click", "dblclick", "keyup"]) {
        window.addEventListener(name, keep);
    }

    // After Django's scripts have made the boxes, and the browser has filled in what it knows.
    window.addEventListener("pageshow", (event) => {
        if (!event.persisted) {
            last = JSON.stringify(chosen());
            bringBack();
        }
    });
}
