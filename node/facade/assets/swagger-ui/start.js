// Without `validatorUrl: null` Swagger UI would show the description to a server on the internet.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  persistAuthorization: true,
  validatorUrl: null,
});
