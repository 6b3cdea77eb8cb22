// Search as you type: form[data-live-search] is sent a moment after the last key and #results
// of the answer takes the place of ours. The form stays as it is, and with it focus and caret.
import { reveal } from "./copy.js";
import { announce, toast } from "./live.js";

const pauseMilliseconds = 200;

function enhance(form) {
  const input = form.querySelector("input[type=search]");
  if (!input) return;
  const search = new Search(form, input);
  input.addEventListener("input", (event) => {
    if (!event.isComposing) search.soon();
  });
  input.addEventListener("compositionend", () => search.soon());
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || input.value === "") return;
    event.preventDefault();
    input.value = "";
    search.now();
  });
  form.addEventListener("submit", () => search.cancel());
  window.addEventListener("pagehide", () => search.cancel());
}

class Search {
  #form;
  #input;
  #sent;
  #timer;
  #request;

  constructor(form, input) {
    this.#form = form;
    this.#input = input;
    this.#sent = this.#term();
  }

  soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), pauseMilliseconds);
  }

  now() {
    clearTimeout(this.#timer);
    const term = this.#term();
    if (term === this.#sent) return;
    this.cancel();
    this.#sent = term;
    this.#send(term);
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = undefined;
    document.getElementById("results")?.removeAttribute("aria-busy");
  }

  // Fewer letters than the server looks for mean the whole list.
  #term() {
    const term = this.#input.value.trim();
    const least = Number(this.#form.dataset.minLength ?? 1);
    return term.length < least ? "" : term;
  }

  // An XMLHttpRequest can parse a document by itself and says where redirects ended; it needs
  // no sink that the content policy closes.
  #send(term) {
    const body = new URLSearchParams(new FormData(this.#form));
    body.set(this.#input.name, term);
    const request = new XMLHttpRequest();
    const post = this.#form.method === "post";
    const address = this.#form.getAttribute("action") ?? location.pathname;
    request.open(post ? "POST" : "GET", post ? address : `${address}?${body}`);
    request.responseType = "document";
    request.addEventListener("load", () => this.#loaded(request));
    request.addEventListener("error", () => this.#failed());
    document.getElementById("results")?.setAttribute("aria-busy", "true");
    this.#request = request;
    request.send(post ? body : null);
  }

  #loaded(request) {
    if (request !== this.#request) return;
    if (request.status >= 400) {
      this.#failed();
      return;
    }
    const url = new URL(request.responseURL || location.href);
    if (url.pathname !== (this.#form.dataset.resultsPath ?? location.pathname)) {
      location.assign(url);
      return;
    }
    const theirs = request.response?.getElementById("results");
    const ours = document.getElementById("results");
    if (!theirs || !ours) {
      this.#failed();
      return;
    }
    const fresh = document.importNode(theirs, true);
    ours.replaceWith(fresh);
    reveal(fresh);
    history.replaceState(history.state, "", url);
    const summary = fresh.querySelector("[data-announce]");
    if (summary) announce(summary.dataset.announce || summary.textContent.trim());
  }

  #failed() {
    this.cancel();
    this.#sent = undefined; // the same term may be tried again
    toast("The search did not work. Press Enter to try again.", "bad");
  }
}

for (const form of document.querySelectorAll("form[data-live-search]")) enhance(form);
