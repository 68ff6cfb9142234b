// The rejects desk: each button says its verb; keys j and k go on and back, 1 to 5 and n answer. Never while one types.
document.addEventListener("DOMContentLoaded", () => {
    const desk = document.getElementById("desk");
    const form = document.getElementById("desk-form");
    if (!desk || !form) {
        return;
    }
    form.addEventListener("submit", (event) => {
        const button = event.submitter;
        form.elements.verb.value = button?.dataset.verb ?? "";
        form.elements.client.value = button?.dataset.client ?? "";
    });
    form.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.matches("input")) {
            event.preventDefault();
            if (event.target.name.startsWith("cell-")) {
                form.querySelector("[data-verb=fix]").click();
            }
        }
    });
    const go = (address) => address && window.location.assign(address);
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) {
            return;
        }
        if (event.key === "j") {
            go(desk.dataset.next);
        } else if (event.key === "k") {
            go(desk.dataset.previous);
        } else if (event.key === "n") {
            form.querySelector("[data-verb=new]")?.click();
        } else if (/^[1-5]$/.test(event.key)) {
            form.querySelector(`[data-verb=same][data-key="${event.key}"]`)?.click();
        }
    });
});
