// Draws /openapi.json. Nothing is sent to anybody else: no validator badge, no address from the page's own query.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  tryItOutEnabled: true,
});
