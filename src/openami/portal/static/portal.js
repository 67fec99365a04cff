// Everything works without this file. With it: campaigns refresh, bars tell their value on tap, bytes and fields
// light up together, and a button says that it is at work.
"use strict";

const REFRESH_MS = 2000;

function refreshCampaign(card) {
  const show = (name, text) => {
    const place = card.querySelector(`[data-live="${name}"]`);
    if (place && place.textContent !== text) place.textContent = text;
  };
  const update = async () => {
    if (document.hidden) return setTimeout(update, REFRESH_MS);
    let answer;
    try {
      const response = await fetch(card.dataset.progress, { headers: { accept: "application/json" } });
      if (!response.ok) return;
      answer = await response.json();
    } catch {
      return setTimeout(update, REFRESH_MS * 5);
    }
    for (const name of ["state", "total", "completed", "failed", "pending"]) show(name, String(answer[name]));
    const bar = card.querySelector("progress");
    bar.max = Math.max(1, answer.total);
    bar.value = answer.total - answer.pending;
    if (!answer.ended) setTimeout(update, REFRESH_MS);
    else if (card.dataset.reload) location.reload();
  };
  setTimeout(update, REFRESH_MS);
}

function readBars(chart) {
  const readout = chart.parentElement.querySelector(".readout");
  const tell = (event) => {
    const bar = event.target.closest(".bar");
    if (!bar || !readout) return;
    chart.querySelector(".bar.chosen")?.classList.remove("chosen");
    bar.classList.add("chosen");
    readout.textContent = bar.querySelector("title").textContent;
  };
  chart.addEventListener("pointerover", tell);
  chart.addEventListener("pointerdown", tell);
}

// Scroll inside `box` only, never the page.
function show(box, marked) {
  const target = box?.querySelector(marked);
  if (target) box.scrollTop += target.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
}

function lightFields(evidence) {
  const light = (event, on) => {
    const source = event.target.closest("[data-field]");
    if (!source) return;
    for (const other of evidence.querySelectorAll(`[data-field="${source.dataset.field}"]`)) {
      other.classList.toggle("lit", on);
    }
  };
  for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    evidence.addEventListener(name, (event) => light(event, on));
  }
  show(evidence.querySelector(".bytes"), ".marked");
  if (!location.hash) show(evidence.querySelector(".fields"), "tr.marked");
}

for (const card of document.querySelectorAll("[data-progress]")) refreshCampaign(card);
for (const chart of document.querySelectorAll(".chart")) readBars(chart);
for (const evidence of document.querySelectorAll(".evidence")) lightFields(evidence);
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.disabled = true;
    button.textContent = form.dataset.busy;
  });
}

// Passkeys: the browser's authenticator signs the challenge that stands in the form; the form carries what it says.
const octetsOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function withPasskey(form, sign) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const says = form.querySelector("[data-passkey-says]");
    try {
      if (!window.PublicKeyCredential) throw new Error("this browser takes passkeys only on a page whose certificate it trusts");
      for (const [name, buffer] of Object.entries(await sign(form))) form.elements[name].value = textOf(buffer);
      form.submit();
    } catch (error) {
      says.textContent = `No passkey has signed: ${error.message}. The command line can: openami approve.`;
    }
  });
}

async function assertion(form) {
  const publicKey = { challenge: octetsOf(form.dataset.passkey), userVerification: "required" };
  const { rawId, response } = await navigator.credentials.get({ publicKey });
  return {
    credential_id: rawId,
    authenticator_data: response.authenticatorData,
    client_data: response.clientDataJSON,
    signature: response.signature,
  };
}

async function registration(form) {
  const words = `OpenAMI passkey registration 1\n${form.elements.invitation.value.trim()}`;
  const { response } = await navigator.credentials.create({
    publicKey: {
      challenge: await crypto.subtle.digest("SHA-256", new TextEncoder().encode(words)),
      rp: { id: form.dataset.register, name: "OpenAMI" },
      user: { id: octetsOf(form.dataset.user), name: form.dataset.login, displayName: form.dataset.login },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      authenticatorSelection: { userVerification: "required", residentKey: "required" },
      attestation: "none",
    },
  });
  return { attestation: response.attestationObject, client_data: response.clientDataJSON };
}

// On a phone the entries above are a row that is pushed aside: show where we are.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
for (const form of document.querySelectorAll("form[data-passkey]")) withPasskey(form, assertion);
for (const form of document.querySelectorAll("form[data-register]")) withPasskey(form, registration);
