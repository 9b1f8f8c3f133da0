// Looks at the console in a real Chromium: node console.mjs URL KEY FOLDER [WORDS], against a gateway over the fake
// backend. With words, only the checks run whose names have them.
//
// Pictures of every view go to the folder. Everything that fails is told, and the exit status says whether something did.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [url, key, folder, words = ""] = process.argv.slice(2);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = ["market", "try", "work", "disputes", "money", "network", "receipts"];
const LOOKS = {
  light: { viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "light", hasTouch: true, isMobile: true },
  "phone-dark": { viewport: { width: 360, height: 740 }, colorScheme: "dark", hasTouch: true, isMobile: true },
};
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

/** Everything that pages have asked for, and everything that went wrong on them. */
const asked = new Set();
const faults = [];

/** A page with a key, on which any message of an error is a fault, but those that `expected` matches. */
async function open(hash, { look = LOOKS.light, expected = null, withKey = true } = {}) {
  const context = await browser.newContext(look);
  // A machine that builds meanwhile is slow.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const fault = (text) => expected?.test(text) || faults.push(`${hash}: ${text}`);
  page.on("request", (request) => asked.add(new URL(request.url()).origin));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && fault(message.text()));
  page.on("pageerror", (error) => fault(String(error)));
  if (withKey) await page.addInitScript((value) => sessionStorage.setItem("assay-key", value), key);
  await page.goto(`${url}/console#${hash}`);
  return page;
}

/** Shows another view of a page that is open. */
async function go(page, hash) {
  await page.evaluate((value) => (location.hash = value), `#${hash}`);
}

function button(page, name) {
  return page.getByRole("button", { name, exact: true });
}

async function press(page, name) {
  await button(page, name).click();
}

/** Breaches of the rules of accessibility. The script is injected by the debugger, which no policy stops. */
async function axe(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, help, nodes } of violations)
    faults.push(`${name}: axe ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

/** What is there on a view that has loaded. */
const LOADED = {
  market: "article h3",
  try: "#text",
  work: "table",
  disputes: ".narrowing",
  money: "table",
  network: "table",
  receipts: "#receipt",
};

const CHECKS = {
  async "a gateway with keys asks for one, refuses a wrong one, and remembers the right one"() {
    const page = await open("market", { withKey: false, expected: /401 \(Unauthorized\)/ });
    await page.fill("#key", "assay-wrong");
    await press(page, "Enter");
    await page.getByText("unknown or revoked").waitFor();
    await axe(page, "key");
    await page.screenshot({ path: `${folder}/key.png` });
    await page.fill("#key", key);
    await press(page, "Enter");
    await page.waitForSelector("article h3");
    await page.reload();
    await page.waitForSelector("article h3");
    await page.click("#key-button");
    await page.waitForSelector("#key");
    assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
  },

  async "every view is accessible and fits its screen, in light and dark, on a desk and on a phone"() {
    for (const [name, look] of Object.entries(LOOKS)) {
      const page = await open("market", { look });
      for (const view of VIEWS) {
        await go(page, view === "disputes" ? "disputes/1" : view);
        await page.waitForSelector(LOADED[view]);
        await page.waitForTimeout(300);
        await axe(page, `${view} (${name})`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) faults.push(`${view} (${name}): ${over} pixels wider than the screen`);
        await page.screenshot({ path: `${folder}/${view}-${name}.png`, fullPage: true });
        assert.equal(await page.locator("nav [aria-current=page]").count(), 1);
        assert.equal(await page.locator("h1").count(), 1);
      }
      await page.context().close();
    }
  },

  async "the market shows every model with its price and who offers it"() {
    const page = await open("market");
    await page.waitForSelector("article h3");
    assert.equal(await page.locator("article").count(), 10);
    const chat = page.locator("article", { has: page.getByRole("heading", { name: "fake-chat" }) });
    for (const text of ["1 worker", "0.000001 ASY", "2 ASY", "6 ASY", "2048 tokens"]) await chat.getByText(text, { exact: true }).waitFor();
    const gone = page.locator("article", { has: page.getByRole("heading", { name: "fake-gone" }) });
    await gone.getByText("no worker now").waitFor();
    await page.waitForSelector("table");
    assert.equal(await page.locator("tbody tr").count(), 9);
  },

  async "a conversation streams, says who computed it, and its receipt is valid"() {
    const page = await open("try/fake-chat");
    const attack = '<img src="/console/none" onerror="document.title = 1"><b>who</b>';
    await page.fill("#text", attack);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".provenance");
    assert.equal(await page.locator(".you").textContent(), attack);
    assert.equal(await page.locator(".log img, .log b").count(), 0);
    assert.ok((await page.locator(".them").textContent()).length > 0);
    assert.equal(await page.locator(".provenance").count(), 1);
    await page.fill("#text", "And what is it?");
    await press(page, "Send");
    await page.waitForFunction(() => document.querySelectorAll(".provenance").length === 2);
    await axe(page, "conversation");
    await page.screenshot({ path: `${folder}/conversation.png`, fullPage: true });
    await page.locator(".provenance a").last().click();
    await page.getByText("valid", { exact: true }).waitFor();
    await axe(page, "receipt");
    await page.screenshot({ path: `${folder}/receipt.png`, fullPage: true });
  },

  async "the same seed gives the same answer"() {
    const page = await open("try/fake-base");
    await page.click("summary");
    await page.fill("#seed", "7");
    const answers = [];
    for (const number of [1, 2]) {
      await page.fill("#text", "The worker");
      await press(page, "Send");
      await page.waitForFunction((wanted) => document.querySelectorAll(".provenance").length === wanted, number);
      answers.push(await page.locator(".them").last().textContent());
    }
    assert.ok(answers[0].length > 0);
    assert.equal(answers[0], answers[1]);
  },

  async "an answer can be stopped, and one that breaks off says so"() {
    const page = await open("try/fake-slow", { expected: /503 \(Service Unavailable\)/ });
    await page.fill("#text", "Go on");
    await press(page, "Send");
    await page.waitForFunction(() => document.querySelector(".them")?.textContent.length > 10);
    await press(page, "Stop");
    await page.getByText("You have stopped the answer.").waitFor();
    await button(page, "Send").waitFor();
    for (const [model, words] of [["fake-broken", "broke off"], ["fake-gone", "no worker offers"]]) {
      await page.selectOption("#model", model);
      await page.fill("#text", "Go on");
      await press(page, "Send");
      const alert = page.getByRole("alert");
      await alert.waitFor();
      assert.match(await alert.textContent(), new RegExp(words));
      assert.ok(await button(page, "Send").isEnabled());
    }
  },

  async "a digit is drawn by a pointer or by keys, and its job is followed to its end"() {
    const page = await open("try/fake-digits");
    const sent = () =>
      page.waitForRequest((request) => request.url().endsWith("/rpc") && request.postData()?.includes("assay_submitJob"));
    const answered = async (begun) => {
      const [, { image }] = JSON.parse((await begun).postData()).params;
      assert.deepEqual([image.length, image[0].length, image[0][0].length], [1, 8, 8]);
      const pixels = image.flat(2);
      assert.ok(pixels.every((pixel) => Number.isInteger(pixel) && pixel >= 0 && pixel <= 16));
      const ink = pixels.reduce((sum, pixel) => sum + pixel, 0);
      await page.locator("dd", { hasText: "Settled" }).waitFor();
      assert.equal(await page.locator(".answer").textContent(), String(ink % 10));
      return ink;
    };
    const box = await page.locator("canvas").boundingBox();
    await page.mouse.move(box.x + 60, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 180, box.y + 60, { steps: 8 });
    await page.mouse.move(box.x + 100, box.y + 220, { steps: 8 });
    await page.mouse.up();
    let begun = sent();
    await press(page, "Submit the job");
    assert.ok((await answered(begun)) > 100);
    await page.screenshot({ path: `${folder}/digits.png`, fullPage: true });
    await press(page, "Clear");
    await page.focus("canvas");
    for (const pressed of ["Space", "ArrowDown", "ArrowDown", "Space"]) await page.keyboard.press(pressed);
    begun = sent();
    await press(page, "Submit the job");
    const ink = await answered(begun);
    assert.ok(ink > 0 && ink < 100);
    await axe(page, "digits");
  },

  async "jobs, embeddings and inputs that are wrong"() {
    const page = await open("try/fake-sum");
    await page.fill("#input", "[1, 2");
    await press(page, "Submit the job");
    await page.getByText("The input is no JSON").waitFor();
    await page.fill("#input", '["a"]');
    await press(page, "Submit the job");
    await page.getByText("must be a list of numbers").waitFor();
    await page.fill("#input", "[20, 22]");
    await press(page, "Submit the job");
    await page.getByText('"sum": 42').waitFor();
    await page.locator("dd", { hasText: "Settled" }).waitFor();
    await page.selectOption("#model", "fake-embed");
    await page.fill("#text", "the worker");
    await press(page, "Embed");
    await page.getByText("16 elements").waitFor();
    await go(page, "work");
    await page.locator("button.link").first().click();
    await page.getByText('"sum": 42').waitFor();
    await page.waitForSelector("text=of 5 ASY");
    await axe(page, "jobs");
    await page.screenshot({ path: `${folder}/jobs.png`, fullPage: true });
  },

  async "a dispute ends at one element, with both values"() {
    const page = await open("disputes/1");
    const svg = page.locator(".narrowing");
    await svg.waitFor();
    const texts = await svg.locator("text").allTextContents();
    for (const text of ["Graph: 2,600 operators", "operator 1,666, linear", "chunk 137", "Element 35,163", "The worker claimed", "The chain computed", "≠"])
      assert.ok(texts.includes(text), `${text} in ${texts}`);
    const numbers = await svg.locator(".number").allTextContents();
    assert.equal(numbers.length, 2);
    assert.notEqual(numbers[0], numbers[1]);
    assert.match(await svg.getAttribute("aria-label"), /the worker claimed .* and the chain computed/);
    await page.click("text=The picture in words");
    assert.equal(await page.locator("ol li").count(), 4);
    await page.click("#dispute-0");
    await page.getByText("Dispute 0 over").waitFor();
  },

  async "a dispute that goes on is followed without a reload"() {
    const page = await open("disputes/2");
    await page.locator("section .badge.bad").waitFor();
    assert.equal(await page.locator(".narrowing .number").count(), 2);
  },

  async "the picture holds every part within the one above, at every width"() {
    const page = await open("disputes/1");
    await page.waitForSelector(".narrowing");
    const range = (start, total, first, count) => ({ start, total, first, count });
    const games = [
      {},
      { graph: range(0, 1, 0, 1) },
      { graph: range(0, 12_000, 0, 12_000) },
      { graph: range(0, 12_000, 11_999, 1) },
      {
        graph: range(0, 12_000, 4_000, 1),
        operator: { index: 4_000, name: "scaled_dot_product_attention", shape: [1, 12, 2_048, 2_048], data_type: "Float32" },
        tensor: range(0, 196_608, 0, 196_608),
      },
      { graph: range(0, 12_000, 0, 1), tensor: range(0, 1_000_000, 999_999, 1), chunk: range(5_000, 3, 5_002, 1) },
    ];
    for (const width of [300, 519, 520, 1100]) {
      const wrong = await page.evaluate(
        async ([narrowings, width]) => {
          const { picture } = await import("/console/narrowing.js");
          const wrong = [];
          for (const narrowing of narrowings) {
            const place = picture(narrowing, new AbortController().signal);
            place.style.width = `${width}px`;
            document.body.append(place);
            await new Promise((resume) => setTimeout(resume, 60));
            const whole = place.firstChild.getBoundingClientRect();
            for (const shape of place.querySelectorAll("rect, polygon, text")) {
              const box = shape.getBoundingClientRect();
              const isOut = box.left < whole.left - 2 || box.right > whole.right + 2 || box.bottom > whole.bottom + 2;
              if (isOut) wrong.push(`${shape.outerHTML} at ${width} in ${JSON.stringify(narrowing)}`);
            }
            place.remove();
          }
          return wrong;
        },
        [games, width],
      );
      assert.deepEqual(wrong, []);
    }
  },

  async "money is told with its reasons, and what a gateway does not show is said to be so"() {
    const page = await open("money", { expected: /501/ });
    for (const text of ["Escrow", "Budget", "Bond"]) await page.getByRole("cell", { name: text, exact: true }).waitFor();
    await page.route("**/rpc", async (route) => {
      const { id, method } = route.request().postDataJSON();
      if (!["assay_money", "assay_disputes", "assay_network", "assay_jobs", "assay_sessions"].includes(method)) return route.continue();
      const data = { message: "this gateway does not show it", type: "server_error", param: null, code: "not_shown" };
      await route.fulfill({ json: { jsonrpc: "2.0", id, error: { code: -32010, message: data.message, data } } });
    });
    for (const view of ["money", "disputes", "network", "work"]) {
      await go(page, "market");
      await go(page, view);
      await page.getByRole("note").first().waitFor();
      assert.equal(await page.getByRole("alert").count(), 0);
      await axe(page, `${view} that is not shown`);
    }
    await page.screenshot({ path: `${folder}/not-shown.png`, fullPage: true });
  },

  async "the keyboard reaches the content first, and a gateway that is away is told"() {
    const page = await open("network", { expected: /ERR_INTERNET_DISCONNECTED|Failed to load resource/ });
    await page.waitForSelector("table");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.context().setOffline(true);
    await page.getByText("cannot be reached").first().waitFor();
    await page.context().setOffline(false);
    await page.waitForSelector("table");
  },

  async "the policy lets no other host, no script in the page and no markup from text in"() {
    const page = await open("market", { expected: /Content Security Policy|TrustedHTML|TrustedScript|Refused|violates/ });
    await page.waitForSelector("article h3");
    const [reached, ran, became] = await page.evaluate(async () => {
      const reached = await fetch("http://127.0.0.2:9/").then(() => true, () => false);
      const script = document.createElement("script");
      let became = true;
      try {
        script.textContent = "window.ran = true";
        document.body.append(script);
      } catch {}
      try {
        document.createElement("p").innerHTML = "<b>x</b>";
      } catch {
        became = false;
      }
      return [reached, window.ran === true, became];
    });
    assert.deepEqual([reached, ran, became], [false, false, false]);
  },
};

let failed = 0;
const chosen = Object.entries(CHECKS).filter(([name]) => name.includes(words));
for (const [name, check] of chosen) {
  const before = faults.length;
  try {
    await check();
    assert.deepEqual(faults.slice(before), []);
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.message}`);
  }
  for (const context of browser.contexts()) await context.close();
}
await browser.close();
const own = new URL(url).origin;
// The last check asks for another host itself, and its request is blocked before it leaves.
const others = [...asked].filter((origin) => origin !== own && origin !== "http://127.0.0.2:9");
if (others.length > 0) {
  failed += 1;
  console.log(`FAIL  other hosts were asked: ${others.join(", ")}`);
}
console.log(failed ? `${failed} checks of the console failed` : `the console passes ${chosen.length} checks`);
process.exit(failed ? 1 : 0);
