// Passkeys: a block asks the server what to ask, hands that to the browser and sends back the
// answer. Everything that passkeys do can be done with a password as well.
const able = typeof PublicKeyCredential === "function" && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";

for (const block of document.querySelectorAll("[data-passkey]")) {
  const show = (name) => { block.querySelector(`[data-when="${name}"]`)?.removeAttribute("hidden"); };
  if (location.origin !== block.dataset.origin) {
    show("elsewhere");
  } else if (!able) {
    show("unable");
  } else {
    show("able");
    block.querySelector("button").addEventListener("click", () => run(block));
  }
}

async function run(block) {
  const button = block.querySelector("button");
  const problem = block.querySelector("[role=alert]");
  const name = document.getElementById("name");
  if (button.getAttribute("aria-busy") === "true" || (block.dataset.passkey === "create" && name && !name.reportValidity())) return;
  button.setAttribute("aria-busy", "true");
  problem.hidden = true;
  try {
    const { publicKey } = await post(block.dataset.ask, {});
    const credential = await answer(block.dataset.passkey, publicKey);
    const done = await post(block.dataset.answer, { name: name?.value ?? "", next: block.dataset.next, credential: credential.toJSON() });
    location.assign(done.next);
  } catch (error) {
    problem.textContent = error.advice ?? words(error);
    problem.hidden = false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function answer(kind, options) {
  if (kind === "create") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

function words(error) {
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (error.name === "NotAllowedError") return "No passkey was used: it was canceled, or took too long.";
  return "That did not work. Try again, or use your password.";
}

async function post(url, body) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST", credentials: "same-origin", redirect: "manual",
      headers: { Accept: "application/json", "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw Object.assign(new Error("unreachable"), { advice: "The server cannot be reached. Check your connection and try again." });
  }
  const result = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error("refused"), { advice: result.detail });
  return result;
}
