// Every module adds to markup that already works; none is needed for it to work.
import "./copy.js";
import "./dialog.js";
import "./form.js";
import "./menu.js";
import "./passkey.js";
import "./search.js";
import "./shortcuts.js";
import "./theme.js";
import "./time.js";
