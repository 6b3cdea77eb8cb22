// Tells the server the reader's time zone, so that the next page shows times in it. Nothing on
// this page is rewritten.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.split("; ").find((cookie) => cookie.startsWith("tz="));

if (zone && known !== `tz=${zone}`) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}
