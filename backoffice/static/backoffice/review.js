/* Saves each cell of a review when it is left, and shows what became of its row. The page works
   without this: its form has a button. */
"use strict";

const form = document.getElementById("review");
const said = document.getElementById("said");
const PARTS = ["known", "bar", "tabs", "causes"];
const FOCUSABLE = "input:not([type=hidden]), button, a[href]";
let saving = Promise.resolve();
let waiting = 0;
const unsent = []; // what was typed while nobody was signed in

class SignedOut extends Error {}

function showTab() {
    const tabs = document.getElementById("tabs");
    const tab = tabs.querySelector("[aria-current]");
    tabs.scrollLeft = tab ? tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2 : 0;
}

showTab();

function say(text) {
    said.textContent = "";
    window.setTimeout(() => { said.textContent = text; }, 50);
}

/* The place of the focus inside an element that is about to be replaced. */
function placeOf(part) {
    const active = document.activeElement;
    return part.contains(active) ? [...part.querySelectorAll(FOCUSABLE)].indexOf(active) : -1;
}

function swap(old, fresh) {
    const place = placeOf(old);
    const typed = place >= 0 && old.querySelectorAll(FOCUSABLE)[place];
    const keep = typed && typed.matches("input.cell") ? [typed.name, typed.value, typed.dataset.sent] : null;
    old.replaceWith(fresh);
    if (place < 0) {
        return;
    }
    const inside = [...fresh.querySelectorAll(FOCUSABLE)];
    const same = keep && inside.find((each) => each.name === keep[0]);
    if (same && keep[1] !== keep[2]) {
        same.value = keep[1]; // typed on while the answer was on its way
    }
    const next = same || inside[Math.min(place, inside.length - 1)]
        || fresh.nextElementSibling?.querySelector(FOCUSABLE);
    next?.focus();
}

function show(html) {
    const answer = new DOMParser().parseFromString(html, "text/html");
    for (const id of PARTS) {
        const old = document.getElementById(id);
        const fresh = answer.getElementById(id);
        if (old && fresh) {
            swap(old, fresh);
        }
    }
    showTab();
    for (const fresh of answer.querySelectorAll("tbody[data-line]")) {
        const old = document.getElementById(fresh.id);
        if (old && old.outerHTML !== fresh.outerHTML) {
            swap(old, fresh);
        }
    }
    say(answer.getElementById("said").textContent);
}

/* Takes the token of a new session from the page that refused an old one, if it is the same user's. */
function renew(html) {
    const kept = new DOMParser().parseFromString(html, "text/html").getElementById("kept-form");
    const user = form.elements._once.value.replace(/^\S* /, "");
    if (kept?.dataset.user === "") {
        throw new SignedOut();
    }
    if (kept?.dataset.user !== user) {
        throw new Error("signed in as another");
    }
    const token = kept.elements.csrfmiddlewaretoken.value;
    document.querySelectorAll("[name=csrfmiddlewaretoken]").forEach((each) => { each.value = token; });
}

async function send(fields, row, isRenewed = false) {
    const body = new FormData();
    for (const name of ["csrfmiddlewaretoken", "since", "tab", "lines"]) {
        body.set(name, document.querySelector(`#review [name=${name}]`).value);
    }
    const seen = row.querySelector("[name^='seen:']");
    body.set(seen.name, seen.value);
    for (const [name, value] of fields) {
        body.set(name, value);
    }
    const response = await fetch(window.location.href, {
        method: "POST", body, keepalive: true, headers: {"X-Requested-With": "fetch"},
    });
    if (response.redirected) {
        window.location.assign(response.url);
    } else if (response.ok) {
        show(await response.text());
        document.getElementById("signed-out").hidden = true;
    } else if (response.status === 403 && !isRenewed) {
        renew(await response.text());
        await send(fields, row, true);
    } else {
        throw new Error(response.status);
    }
}

/* One after another, so that each is sent with what the answer before it has shown. */
function save(fields, line) {
    waiting += 1;
    saving = saving.then(async () => {
        try {
            const row = document.getElementById(`row-${line}`);
            await send(fields, row);
        } catch (error) {
            const note = document.getElementById(error instanceof SignedOut ? "signed-out" : "failed");
            note.hidden = false;
            for (const cell of document.querySelectorAll(`#row-${line} input.cell`)) {
                delete cell.dataset.sent; // leaving asks again
            }
            say(note.textContent);
            if (error instanceof SignedOut) {
                unsent.push([fields, line]);
            }
        } finally {
            waiting -= 1;
        }
    });
}

/* Back from signing in in another tab. */
window.addEventListener("focus", () => {
    for (const [fields, line] of unsent.splice(0)) {
        save(fields, line);
    }
});

document.addEventListener("change", (event) => {
    const cell = event.target;
    const row = cell.closest("tbody[data-line]");
    if (row && cell.matches("input.cell")) {
        cell.dataset.sent = cell.value;
        cell.setAttribute("aria-busy", "true");
        save([[cell.name, cell.value]], row.dataset.line);
    }
});

form.addEventListener("submit", (event) => {
    const button = event.submitter;
    const row = button?.closest("tbody[data-line]");
    if (row) {
        event.preventDefault();
        save([[button.name, button.value]], row.dataset.line);
    } else if (button?.name === "_save" && !button.closest("#values") && document.activeElement?.closest("tbody[data-line]")) {
        event.preventDefault(); // Enter in a cell: `change` has sent it
    } else if (waiting) {
        event.preventDefault(); // what is being saved changes what would be written
        saving.then(() => say(`${said.textContent} ${form.dataset.again}`));
    }
});
