// The bearer token: asked for when the gateway wants one, kept as long as this tab, never in the URL.

const key = "yodel-token";
let remembered = null;

export function currentToken() {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return remembered; // Storage may be switched off.
  }
}

function keep(token) {
  remembered = token;
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // Then it lasts until the reload.
  }
}

export class TokenForm {
  constructor(onToken) {
    this.form = document.getElementById("token-form");
    this.field = document.getElementById("token");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      keep(this.field.value.trim());
      this.field.value = "";
      this.form.hidden = true;
      document.getElementById("message").focus();
      onToken();
    });
  }

  ask() {
    this.form.hidden = false;
    const hint = currentToken() ? "The gateway did not take this token. Another one?" : "This gateway asks for one. It is kept in this tab only.";
    document.getElementById("token-hint").textContent = hint;
  }
}
