// Uses the page at a URL as people do, and prints as JSON what it saw. Usage: node place.mjs URL
// Before the page refreshes, it prints "ready" and waits for a line: what is shown may change then.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const script = await browser.newContext({ viewport: { width: 1280, height: 500 } });
await script.grantPermissions(["clipboard-read", "clipboard-write"]);
const page = await script.newPage();
await page.goto(url);
const age = await page.locator("time").first().textContent();
await page.locator("button[data-copy]").first().click();
await page.getByText("The id was copied.").waitFor();
const copied = await page.evaluate(() => navigator.clipboard.readText());
await page.getByLabel("Id").fill("typed");
await page.locator("select[name=project]").selectOption("contracts");
await page.locator("a[data-key='job invoices job-10']").focus();
const scrolled = await page.evaluate(() => window.scrollY);
console.log("ready");
await lines.next();
const answers = [];
page.on("response", (response) => answers.push(response.status()));
const refresh = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
await refresh();
await page.getByText("1,234,567").waitFor();
const again = page.waitForResponse((response) => response.status() === 304);
await refresh();
await again;
const place = await page.evaluate(() => ({
  focused: document.activeElement.dataset.key,
  scrolled: window.scrollY,
  typed: document.querySelector("input[type=search]").value,
  chosen: document.querySelector("select[name=project]").value,
  projects: [...document.querySelectorAll("select[name=project] option")].map((option) => option.value),
}));
console.log("ready");
await lines.next();
await refresh();
await page.getByText("The exporter does not answer.").waitFor();
await script.close();
console.log(JSON.stringify({ age, copied, before: scrolled, place, answers }));
await browser.close();
