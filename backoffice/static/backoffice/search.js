/* Search from any page: "/" and Ctrl-K lead there; hits are shown as links while one types. Works without this. */
"use strict";

const WAIT = 150; // milliseconds after a key, until the server is asked

function isWriting(element) {
    return element.isContentEditable || element.matches("input, textarea, select");
}

function moveTo(links, step) {
    const at = links.indexOf(document.activeElement);
    return links[Math.min(at + step, links.length - 1)];
}

function searchFrom(form) {
    const input = form.querySelector("input[type=search]");
    const found = form.querySelector(".found");
    const status = form.querySelector("[role=status]");
    let timer, asked, shown = "";

    function hide() {
        found.hidden = true;
        status.textContent = "";
    }

    async function ask() {
        const term = input.value.trim();
        if (asked) {
            asked.abort();
        }
        if (!term) {
            shown = "";
            hide();
            return;
        }
        asked = new AbortController();
        const query = new URLSearchParams({q: term, part: "1"});
        try {
            const answer = await fetch(`${form.action}?${query}`, {signal: asked.signal, redirect: "error"});
            if (!answer.ok) {
                throw new Error(answer.status);
            }
            found.innerHTML = await answer.text();
        } catch (error) {
            if (error.name !== "AbortError") {
                hide(); // Enter leads to the page, which says what is wrong
            }
            return;
        }
        shown = term;
        show();
    }

    function show() {
        if (!shown || shown !== input.value.trim() || !form.contains(document.activeElement)) {
            return;
        }
        found.hidden = false;
        status.textContent = found.querySelector("a") ? form.dataset.found : form.dataset.none;
    }

    input.addEventListener("input", () => {
        window.clearTimeout(timer);
        timer = window.setTimeout(ask, WAIT);
    });
    input.addEventListener("focus", show);
    form.addEventListener("focusout", (event) => {
        if (event.relatedTarget && !form.contains(event.relatedTarget)) {
            hide();
        }
    });
    document.addEventListener("click", (event) => form.contains(event.target) || hide());
    form.addEventListener("keydown", (event) => {
        const links = [...found.querySelectorAll("a")];
        const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
        if (event.key === "Escape" && !found.hidden) {
            event.preventDefault();
            input.focus();
            hide();
        } else if (step && !found.hidden && links.length) {
            event.preventDefault();
            (moveTo(links, step) || input).focus();
        }
    });
    document.addEventListener("keydown", (event) => {
        const isSlash = event.key === "/" && !document.documentElement.hasAttribute("data-no-single-keys") && !event.ctrlKey && !event.metaKey && !event.altKey;
        const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
        if (isK || (isSlash && !isWriting(event.target))) {
            event.preventDefault();
            input.focus();
            input.select();
            show();
        }
    });
}

const everything = document.querySelector("form[role=search].find");
if (everything) {
    searchFrom(everything);
}
