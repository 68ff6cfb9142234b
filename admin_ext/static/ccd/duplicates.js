// Keys of Duplicates. On the list: j and k move, Enter compares the likeliest pair of a group, n says that it is two people.
// On a pair: s links, n says that it is two people, u leads to the list. Never while one types.
(() => {
    const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

    const list = (groups) => {
        let at = -1;
        const move = (step) => {
            groups[at]?.classList.remove("ccd-current");
            at = Math.min(Math.max(at + step, 0), groups.length - 1);
            groups[at]?.classList.add("ccd-current");
            groups[at]?.scrollIntoView({ block: "nearest" });
        };
        return {
            j: () => move(1),
            k: () => move(-1),
            n: () => groups[at]?.querySelector(".duplicates-apart")?.click(),
            Enter: () => groups[at]?.querySelector(".duplicates-compare")?.click(),
        };
    };

    const pair = (form) => ({
        s: () => form.querySelector(".duplicates-link")?.click(),
        n: () => form.querySelector(".duplicates-apart")?.click(),
        u: () => window.location.assign(form.dataset.list),
    });

    document.addEventListener("DOMContentLoaded", () => {
        const form = document.getElementById("link");
        const groups = [...document.querySelectorAll(".duplicates-group")];
        const keys = form ? pair(form) : groups.length ? list(groups) : {};
        document.addEventListener("keydown", (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) {
                return;
            }
            const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
            if (act && !(event.key === "Enter" && event.target.closest("a, button, summary"))) {
                event.preventDefault();
                act();
            }
        });
    });
})();
