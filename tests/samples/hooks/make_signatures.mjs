// Makes signatures.json: each provider's signature over this folder's samples, accepted by the provider's own library
// where a registry has one, which is also seen to refuse a changed body.
//
//   npm install @sendgrid/eventwebhook@8.0.0 sns-validator@0.3.5 webflow-api@3.3.4 starkbank-ecdsa@1.2.0
//   python -m pip install mailgun==1.10.0        (its `SecurityGuard.verify_webhook` accepts what stands here)
//   node make_signatures.mjs > signatures.json   (needs openssl; run where node_modules is)
import { createHmac, createSign, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "x.js"));
const here = process.argv[2] ?? ".";
const sample = (name) => readFileSync(join(here, `${name}.json`), "utf8");
const check = (good, what) => { if (!good) throw new Error(what); };
const now = Date.now() + 60_000; // after the certificate, which is made below
const out = { made_at: now };

// SendGrid: signed by the library that its own helper verifies with.
{
  const { Ecdsa, PrivateKey } = require("starkbank-ecdsa");
  const { EventWebhook } = require("@sendgrid/eventwebhook");
  const key = new PrivateKey(require("starkbank-ecdsa/ellipticcurve/curve").prime256v1);
  const body = JSON.stringify(JSON.parse(sample("sendgrid"))) + "\r\n", timestamp = String(Math.floor(now / 1000));
  const signature = Ecdsa.sign(timestamp + body, key).toBase64();
  const pem = key.publicKey().toPem(), webhook = new EventWebhook();
  const known = webhook.convertPublicKeyToECDSA(pem);
  check(webhook.verifySignature(known, body, signature, timestamp), "sendgrid accepts");
  check(!webhook.verifySignature(known, body + " ", signature, timestamp), "sendgrid refuses");
  out.sendgrid = { key: pem.replace(/-----[A-Z ]+-----|\s/g, ""), timestamp, signature, body };
}

// SNS: signed as Amazon does, with a certificate of our own in place of Amazon's.
{
  const folder = mkdtempSync(join(tmpdir(), "sns-"));
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/CN=sns.amazonaws.com",
    "-keyout", join(folder, "key"), "-out", join(folder, "certificate")], { stdio: "ignore" });
  const key = readFileSync(join(folder, "key")), certificate = readFileSync(join(folder, "certificate"), "utf8");
  const https = require("https");
  https.get = (url, answered) => {
    const answer = Object.assign(new EventEmitter(), { statusCode: 200 });
    answered(answer);
    answer.emit("data", certificate);
    answer.emit("end");
    return new EventEmitter();
  };
  const Validator = require("sns-validator");
  const accepted = (message) => new Promise((done) => new Validator().validate(structuredClone(message), (error) => done(!error)));
  const common = { TopicArn: "arn:aws:sns:eu-west-1:123456789012:mail", Timestamp: new Date(now).toISOString(),
    SigningCertURL: "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem" };
  const sign = async (message, fields, version) => {
    const signer = createSign(version === "1" ? "RSA-SHA1" : "RSA-SHA256");
    for (const name of fields) if (name in message) signer.update(`${name}\n${message[name]}\n`);
    const signed = { ...message, SignatureVersion: version, Signature: signer.sign(key, "base64") };
    check(await accepted(signed), "sns accepts");
    check(!(await accepted({ ...signed, Message: signed.Message + " " })), "sns refuses");
    return JSON.stringify(signed);
  };
  const asked = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const told = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
  out.sns = { certificate, certificate_url: common.SigningCertURL, topic: common.TopicArn, notifications: [] };
  for (const [number, event] of JSON.parse(sample("ses")).entries()) {
    const message = { ...common, Type: "Notification", MessageId: `m-${number}`, Subject: "Amazon SES Email Event", Message: JSON.stringify(event) };
    out.sns.notifications.push(await sign(message, told, number % 2 ? "2" : "1"));
  }
  const url = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${common.TopicArn}&Token=2336412f37`;
  const message = { ...common, Type: "SubscriptionConfirmation", MessageId: "c-1", Token: "2336412f37", SubscribeURL: url,
    Message: "You have chosen to subscribe to the topic. To confirm the subscription, visit the SubscribeURL." };
  out.sns.confirmation = await sign(message, asked, "1");
  out.sns.subscribe_url = url;
}

// Webflow: its client verifies.
{
  const { WebflowClient } = require("webflow-api");
  const secret = randomBytes(16).toString("hex"), body = JSON.stringify(JSON.parse(sample("webflow"))), timestamp = String(now);
  const signature = createHmac("sha256", secret).update(`${timestamp}:${body}`).digest("hex");
  const headers = { "x-webflow-signature": signature, "x-webflow-timestamp": timestamp };
  const client = new WebflowClient({ accessToken: "none" });
  check(await client.webhooks.verifySignature({ headers, body, secret }), "webflow accepts");
  check(!(await client.webhooks.verifySignature({ headers, body: body + " ", secret })), "webflow refuses");
  out.webflow = { secret, timestamp, signature, body };
}

// Mailgun: as documented; checked with its Python library. Typeform and Tally have no library: as documented.
{
  const key = randomBytes(16).toString("hex"), timestamp = String(Math.floor(now / 1000)), token = randomBytes(25).toString("hex");
  const signature = createHmac("sha256", key).update(timestamp + token).digest("hex");
  const body = JSON.stringify({ ...JSON.parse(sample("mailgun")), signature: { token, timestamp, signature } });
  out.mailgun = { key, timestamp, token, signature, body };
  for (const name of ["typeform", "tally"]) {
    const secret = randomBytes(16).toString("hex"), body = JSON.stringify(JSON.parse(sample(name)));
    const digest = createHmac("sha256", secret).update(body).digest("base64");
    out[name] = { secret, signature: name === "typeform" ? `sha256=${digest}` : digest, body };
  }
}
console.log(JSON.stringify(out, null, 1));
