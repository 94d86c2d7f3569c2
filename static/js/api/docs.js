/* Unfolds the description of the API. Requests are tried with this browser's own session. */
"use strict";
{
  const names = JSON.parse(document.getElementById("names").textContent);
  const root = document.documentElement;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

  const token = () => {
    const cookie = document.cookie.split("; ").find((each) => each.startsWith(`${names.csrf}=`));
    return cookie ? decodeURIComponent(cookie.slice(names.csrf.length + 1)) : "";
  };

  // Swagger UI has a dark face of its own, which follows this class.
  const follow = () => root.classList.toggle("dark-mode", (root.dataset.theme ?? (systemIsDark.matches ? "dark" : "")) === "dark");
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
  systemIsDark.addEventListener("change", follow);
  follow();

  SwaggerUIBundle({
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
}
