// Asks how far a long file is, and shows the page of the result when it is done.
(function () {
    "use strict";
    const card = document.getElementById("progress");
    const show = (selector, text) => { card.querySelector(selector).textContent = text; };

    async function ask() {
        try {
            const answer = await fetch(card.dataset.address, { headers: { Accept: "application/json" } });
            if (!answer.ok) { return window.location.reload(); }
            const now = await answer.json();
            if (now.done) { return window.location.reload(); }
            show(".progress-stage", now.stage);
            show(".progress-detail", now.detail);
            card.querySelector("progress").value = now.percent;
        } catch (error) {
            show(".progress-detail", "No answer; trying again.");
        }
        window.setTimeout(ask, 1500);
    }

    window.setTimeout(ask, 1000);
})();
