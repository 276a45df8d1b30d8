// Opens pages in Chromium in two sizes and both colour schemes, and prints as JSON what is wrong with them.
// Usage: node look.mjs FOLDER NAME=URL... (with an empty FOLDER, it takes no pictures)
import axe from "axe-core";
import { chromium } from "playwright-core";

// The narrowest window in which the jobs are a table.
const SIZES = { desktop: { width: 1217, height: 900 }, phone: { width: 390, height: 844 } };
const SCHEMES = ["light", "dark"];

async function look(browser, name, url, size, colorScheme, folder) {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) problems.push(`asks ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "networkidle" });
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, nodes } of found.violations) {
    problems.push(`axe: ${id}: ${nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join(" ")}`);
  }
  if (found.passes.length < 10) problems.push("axe: it checked next to nothing");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) problems.push(`it is ${wide} pixels too wide`);
  if (folder) await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true });
  await context.close();
  return problems.map((problem) => `${name}, ${size}, ${colorScheme}: ${problem}`);
}

const [folder, ...pages] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const problems = [];
for (const page of pages) {
  const name = page.slice(0, page.indexOf("="));
  const url = page.slice(name.length + 1);
  for (const size of Object.keys(SIZES)) {
    for (const scheme of SCHEMES) problems.push(...(await look(browser, name, url, size, scheme, folder)));
  }
}
await browser.close();
console.log(JSON.stringify(problems));
