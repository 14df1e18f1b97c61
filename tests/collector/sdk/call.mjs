// Drives a tracker for Node as its maker publishes it: node call.mjs SDK ADDRESS WRITE_KEY
import process from "node:process";

const [sdk, address, writeKey] = process.argv.slice(2);

const segment = async () => {
  const { Analytics } = await import("@segment/analytics-node");
  const client = new Analytics({ writeKey, host: address, flushAt: 3, flushInterval: 100, maxRetries: 5 });
  client.on("error", (error) => console.log(JSON.stringify({ error: error.code })));
  return { client, close: () => client.closeAndFlush({ timeout: 20_000 }) };
};

const rudderstack = async () => {
  const { default: imported } = await import("@rudderstack/rudder-sdk-node");
  const Client = imported.default ?? imported;
  const errorHandler = (error) => console.log(JSON.stringify({ error: error.code }));
  const client = new Client(writeKey, { dataPlaneUrl: address, flushAt: 3, flushInterval: 100, errorHandler });
  return { client, close: () => client.flush() };
};

const { client, close } = await { segment, rudderstack }[sdk]();
client.page({ anonymousId: "a", name: "Pricing", properties: { url: "https://x.test/pricing" } });
client.identify({ userId: "u", traits: { email: "ada@firm.test", company: "Firm" } });
client.track({ userId: "u", event: "Demo Requested", properties: { email: "ada@firm.test" } });
client.group({ userId: "u", groupId: "g", traits: { name: "Firm" } });
client.alias({ previousId: "a", userId: "u" });
client.screen({ userId: "u", name: "Home" });
await close();
console.log(JSON.stringify({ done: true }));
