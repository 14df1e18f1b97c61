// Opens a page in Chromium and keeps it open until standard input ends: node browse.mjs CHROMIUM ADDRESS
// Prints what the page says, one JSON text a line.
import process from "node:process";
import puppeteer from "puppeteer-core";

const [executablePath, address] = process.argv.slice(2);
const say = (text) => console.log(JSON.stringify(text));
const browser = await puppeteer.launch({
  executablePath,
  pipe: true, // ends with this process, however that ends
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"],
});
const ended = new Promise((resolve) => process.stdin.on("end", resolve).resume());
try {
  const page = await browser.newPage();
  page.on("console", (message) => say(message.text()));
  page.on("pageerror", (error) => say(String(error)));
  await page.setUserAgent(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  );
  await page.goto(address);
  say("opened");
  await ended;
} finally {
  await browser.close();
}
