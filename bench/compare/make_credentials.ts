/**
 * Makes what relays and their load are let in by: a certificate of its own with its key, and a key
 * that signs tokens with a token of it, for a day: `deno run make_credentials.ts FOLDER`.
 *
 * @module
 */
import { newKey, signToken } from "../../src/access/token_maker.ts";
import { selfSigned } from "../../src/listen/self_signed.ts";

const DAY_MS = 86_400_000;

const [folder] = Deno.args;
const nowMs = Date.now();
const { cert, key } = await selfSigned({
  names: ["localhost", "127.0.0.1"],
  fromMs: nowMs - DAY_MS,
  untilMs: nowMs + DAY_MS,
});
const signing = await newKey();
const { token } = await signToken(signing, { publish: ["*"] }, { nowMs, expiresMs: DAY_MS });
const files = { "cert.pem": cert, "key.pem": key, "signing.json": signing, "token.txt": token };
for (const [name, text] of Object.entries(files)) {
  await Deno.writeTextFile(`${folder}/${name}`, text, { mode: 0o600 });
}
