// A Chromium that does what it is told: node drive.mjs CHROMIUM, then one JSON command a line, one JSON answer each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  pipe: true, // ends with this process, however that ends
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--force-color-profile=srgb"],
});
const page = await browser.newPage();
const said = [];
const asked = new Set();
page.on("console", (message) => ["error", "warn"].includes(message.type()) && said.push(message.text()));
page.on("pageerror", (error) => said.push(String(error)));
page.on("request", (request) => asked.add(new URL(request.url()).origin));

const commands = {
  look: async ({ width = 1280, scheme = "light", language = "en" }) => {
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setExtraHTTPHeaders({ "Accept-Language": language });
  },
  open: async ({ url }) => (await page.goto(url, { waitUntil: "load" })).status(),
  shot: async ({ path }) => { await page.screenshot({ path, fullPage: true }); },
  wait: async ({ selector, seconds = 20 }) => {
    await page.waitForSelector(selector, { timeout: seconds * 1000 });
  },
  text: async ({ selector }) => page.$eval(selector, (found) => found.textContent.trim()),
  texts: async ({ selector }) => page.$$eval(selector, (all) => all.map((one) => one.textContent.trim())),
  attribute: async ({ selector, name }) => page.$$eval(selector, (all, n) => all.map((one) => one.getAttribute(n)), name),
  click: async ({ selector }) => { await page.click(selector); },
  submit: async ({ selector }) => { await Promise.all([page.waitForNavigation(), page.click(selector)]); },
  type: async ({ selector, text }) => {
    await page.$eval(selector, (found) => { found.value = ""; });
    await page.type(selector, text);
  },
  keys: async ({ keys }) => { for (const key of keys) await page.keyboard.press(key); },
  run: async ({ code }) => page.evaluate(code),
  url: async () => page.url(),
  // Wide content may scroll in its own box; the page itself may not.
  overflow: async () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
  axe: async () => {
    // The page's own policy forbids scripts of strangers: this one comes from the debugger, not from the page.
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    return found.violations.map((one) => ({
      id: one.id, impact: one.impact, nodes: one.nodes.slice(0, 5).map((node) => node.html.slice(0, 200)),
    }));
  },
  said: async () => said.splice(0),
  origins: async () => [...asked],
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ found: (await commands[command](given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ failed: String(error) }));
  }
}
await browser.close();
