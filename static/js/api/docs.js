/* Unfolds the description of the API. Requests are tried with this browser's own session. */
const names = JSON.parse(document.getElementById("names").textContent);

function token() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith(`${names.csrf}=`));
  return cookie ? decodeURIComponent(cookie.slice(names.csrf.length + 1)) : "";
}

window.SwaggerUIBundle({
  url: names.schema,
  dom_id: "#swagger",
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  validatorUrl: null,
  requestInterceptor(request) {
    if (!["GET", "HEAD"].includes(request.method ?? "GET")) request.headers["X-CSRFToken"] = token();
    return request;
  },
});
