// Keys of the approvals. On the list: j and k move, Enter opens, x ticks, a and d choose what to do with what is ticked.
// On a proposal: a approves, d declines, j and k go to the next and the previous, u to the list. Never while one types.
(() => {
    const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

    const list = () => {
        const rows = [...document.querySelectorAll("#result_list tbody tr")].filter((row) => row.querySelector("th a, td a"));
        let at = -1;
        const move = (step) => {
            rows[at]?.classList.remove("ccd-current");
            at = Math.min(Math.max(at + step, 0), rows.length - 1);
            rows[at]?.classList.add("ccd-current");
            rows[at]?.scrollIntoView({ block: "nearest" });
        };
        const box = () => rows[at]?.querySelector("input.action-select");
        const choose = (action) => {
            if (!document.querySelector("input.action-select:checked")) {
                box()?.click();
            }
            const select = document.querySelector("select[name=action]");
            if (!select || !document.querySelector("input.action-select:checked")) {
                return;
            }
            select.value = action;
            select.dispatchEvent(new Event("change", { bubbles: true }));
            setTimeout(() => document.querySelector("input[name=rationale]")?.focus());
        };
        return {
            j: () => move(1),
            k: () => move(-1),
            x: () => box()?.click(),
            a: () => choose("approve_selected"),
            d: () => choose("decline_selected"),
            Enter: () => rows[at]?.querySelector("th a, td a")?.click(),
        };
    };

    const proposal = (form) => {
        const go = (address) => address && window.location.assign(address);
        const rationale = form.querySelector("#id_rationale");
        return {
            j: () => go(form.dataset.next),
            k: () => go(form.dataset.previous),
            u: () => go(form.dataset.list),
            a: () => form.querySelector(".ccd-approve")?.click(),
            d: () => (rationale?.value.trim() ? form.querySelector(".ccd-decline")?.click() : rationale?.focus()),
        };
    };

    document.addEventListener("DOMContentLoaded", () => {
        const form = document.getElementById("proposal");
        const keys = form ? proposal(form) : document.getElementById("result_list") ? list() : {};
        document.addEventListener("keydown", (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) {
                return;
            }
            const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
            if (act && !(event.key === "Enter" && event.target.closest("a, button"))) {
                event.preventDefault();
                act();
            }
        });
    });
})();
