// A certified OpenID provider over TLS, for tests: node provider.mjs PORT KEY CERTIFICATE
// Everybody may sign in; forms are filled in by tests/servers/oidc_provider.py.
import fs from "node:fs";
import https from "node:https";
import { Provider } from "oidc-provider";

const [port, keyFile, certificateFile] = process.argv.slice(2);
// msal wants a path in each address.
const path = "/tenant/v2.0";
const device = "urn:ietf:params:oauth:grant-type:device_code";
const redirects = { redirect_uris: ["http://localhost:9999/answer"], response_types: ["code"] };
const person = ["authorization_code", "refresh_token", device];

const provider = new Provider(`https://localhost:${port}${path}`, {
  clients: [
    {
      client_id: "desk",
      client_secret: "desk-s3cret",
      grant_types: [...person, "client_credentials"],
      token_endpoint_auth_method: "client_secret_basic",
      ...redirects,
    },
    {
      client_id: "desk-msal",
      client_secret: "desk-s3cret",
      grant_types: [...person, "client_credentials"],
      token_endpoint_auth_method: "client_secret_post",
      ...redirects,
    },
    {
      client_id: "desk-public",
      application_type: "native",
      grant_types: person,
      token_endpoint_auth_method: "none",
      ...redirects,
    },
    {
      client_id: "dovecot",
      client_secret: "dovecot-s3cret",
      grant_types: [],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  scopes: ["openid", "offline_access", "profile", "https://outlook.office.com/IMAP.AccessAsUser.All"],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
  },
  claims: { openid: ["sub"] },
  cookies: { keys: ["tests"] },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  issueRefreshToken: () => true,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, ClientCredentials: 3600, DeviceCode: 600, RefreshToken: 86400,
    Grant: 86400, IdToken: 300, Interaction: 600, Session: 86400 },
});
provider.proxy = true;
const answer = provider.callback();

// Ends an access token alone: revoking it ends all that was given out with it.
async function end(token) {
  await (await provider.AccessToken.find(token))?.destroy();
}

https
  .createServer(
    { key: fs.readFileSync(keyFile), cert: fs.readFileSync(certificateFile) },
    (request, response) => {
      if (request.url.startsWith("/end/")) {
        end(request.url.slice(5)).then(() => response.end());
        return;
      }
      request.originalUrl = request.url;
      request.baseUrl = path;
      request.url = request.url.slice(path.length) || "/";
      answer(request, response);
    },
  )
  .listen(Number(port), "127.0.0.1");
