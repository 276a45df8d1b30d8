// Takes a picture of the upper part of the page at a URL. Usage: node picture.mjs URL FILE
import { chromium } from "playwright-core";

const [url, path] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1240, height: 800 }, colorScheme: "light" });
await page.goto(url, { waitUntil: "networkidle" });
await page.screenshot({ path });
await browser.close();
