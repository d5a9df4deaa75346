/* `?` shows the page of the keys in a dialog. Without this it is a page of the manual.

A switch on it turns off the keys that need no other beside them, in this browser: whoever
speaks to the computer would press them by speaking (WCAG 2.2, 2.1.4). */
"use strict";

const {keys, close: closeLabel, style, single} = document.currentScript.dataset;
const areOff = () => localStorage.getItem("single-keys") === "off";

function switchOfKeys() {
    const label = document.createElement("label");
    const box = document.createElement("input");
    label.className = "single-keys";
    box.type = "checkbox";
    box.checked = !areOff();
    box.addEventListener("change", () => {
        localStorage.setItem("single-keys", box.checked ? "on" : "off");
        document.documentElement.toggleAttribute("data-no-single-keys", areOff());
    });
    label.append(box, ` ${single}`);
    return label;
}

async function showKeys() {
    const dialog = document.createElement("dialog");
    dialog.className = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    try {
        const answer = await fetch(keys, {redirect: "error"});
        if (!answer.ok) {
            throw new Error(answer.status);
        }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const title = document.createElement("h2");
        title.id = "keys-title";
        title.textContent = page.querySelector("h1").textContent;
        const close = document.createElement("button");
        close.type = "button";
        close.className = "btn";
        close.textContent = closeLabel;
        close.addEventListener("click", () => dialog.close());
        dialog.append(close, title, switchOfKeys(), page.querySelector("#manual-text"));
    } catch {
        location.assign(keys); // which says what is wrong
        return;
    }
    if (!document.querySelector(`link[href="${style}"]`)) {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = style;
        document.head.append(link);
        await new Promise((loaded) => link.addEventListener("load", loaded));
    }
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.showModal();
}

document.addEventListener("keydown", (event) => {
    const {target} = event;
    const isWriting = target.isContentEditable || target.matches("input, textarea, select");
    if (keys && event.key === "?" && !areOff() && !isWriting && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]")) {
        event.preventDefault();
        showKeys();
    }
});

document.documentElement.toggleAttribute("data-no-single-keys", areOff());
if (keys && keys === location.pathname) {
    document.getElementById("manual-text").prepend(switchOfKeys());
}
