/* Echolot's widget: <echolot-search>, <echolot-similar>, <echolot-random>, <echolot-helpful>. One file, nothing else
 * is loaded. Whatever comes from an index becomes text or a <mark> node, never markup; links are http(s) or no links.
 * Requests carry no cookie, and nothing about a visitor leaves the page but what is typed or clicked. */
(() => {
  "use strict";

  const BASE = document.currentScript ? new URL(".", document.currentScript.src).href.replace(/\/$/, "") : "";
  const PAUSE_MS = 220; // typing rests this long before the semantic search is asked
  const TEXTS = {
    en: {
      search: "Search",
      label: "Search this site",
      placeholder: "Ask a question or type a few words",
      suggestions: "Suggestions",
      results: "Results",
      all: "All results for “{q}”",
      nothing: "Nothing found for “{q}”",
      nearest: "Nothing fits this well. The nearest pages:",
      offline: "The search cannot be reached right now. Press Enter to try the search page.",
      busy: "Many people are searching right now. Please try again in a moment.",
      keys: "Use the arrow keys.",
      similar: "Related pages",
      random: "Something to read",
      another: "Another one",
      helpful: "Was this article helpful?",
      yes: "Yes",
      no: "No",
      thanks: "Thank you!",
      failed: "That did not work. Please try again later.",
    },
    de: {
      search: "Suchen",
      label: "Diese Website durchsuchen",
      placeholder: "Frage stellen oder ein paar Wörter eingeben",
      suggestions: "Vorschläge",
      results: "Treffer",
      all: "Alle Treffer zu „{q}“",
      nothing: "Nichts gefunden zu „{q}“",
      nearest: "Nichts passt wirklich gut. Am nächsten kommen:",
      offline: "Die Suche ist gerade nicht erreichbar. Mit der Eingabetaste geht es zur Suchseite.",
      busy: "Gerade suchen sehr viele Menschen. Bitte gleich noch einmal versuchen.",
      keys: "Auswahl mit den Pfeiltasten.",
      similar: "Verwandte Seiten",
      random: "Zum Weiterlesen",
      another: "Noch eine",
      helpful: "War dieser Artikel hilfreich?",
      yes: "Ja",
      no: "Nein",
      thanks: "Danke!",
      failed: "Das hat nicht geklappt. Bitte später noch einmal versuchen.",
    },
  };

  const DARK = `--_paper: var(--echolot-paper, #121e26); --_ink: var(--echolot-ink, #e4edf1); --_soft: var(--echolot-soft, #a3b6bf);
    --_line: var(--echolot-line, #2a3d48); --_accent: var(--echolot-accent, #63c7d6); --_on: var(--echolot-on-accent, #06222a);
    --_wash: var(--echolot-wash, #1a2f39); --_mark: var(--echolot-mark, #5a4710); --_mark-ink: var(--echolot-mark-ink, #ffeec2); color-scheme: dark;`;
  const SHARED = `
    :host { --_paper: var(--echolot-paper, #fff); --_ink: var(--echolot-ink, #12232b); --_soft: var(--echolot-soft, #4d616b);
      --_line: var(--echolot-line, #cfdbe0); --_accent: var(--echolot-accent, #0a6072); --_on: var(--echolot-on-accent, #fff);
      --_wash: var(--echolot-wash, #e8f2f4); --_mark: var(--echolot-mark, #ffe9ae); --_mark-ink: var(--echolot-mark-ink, #3a2a00);
      --_radius: var(--echolot-radius, .85rem); display: block; color: var(--_ink); color-scheme: light;
      font-family: var(--echolot-font, inherit); line-height: 1.5; }
    @media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
    :host([theme="dark"]) { ${DARK} }
    :host([hidden]), [hidden] { display: none !important; }
    *, ::before, ::after { box-sizing: border-box; }
    button { font: inherit; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
    mark { background: var(--_mark); color: var(--_mark-ink); border-radius: .15em; padding: 0 .1em; margin: 0 -.1em; }
    .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }`;
  const SEARCH = `
    :host { position: relative; }
    form { display: flex; align-items: stretch; gap: .5rem; margin: 0; padding: .3rem .3rem .3rem .95rem; background: var(--_paper);
      border: 1.5px solid var(--_line); border-radius: var(--echolot-field-radius, 999px); transition: border-color .15s, box-shadow .15s; }
    form:focus-within { border-color: var(--_accent); box-shadow: 0 0 0 4px color-mix(in srgb, var(--_accent) 22%, transparent); }
    svg { width: 1.2rem; height: 1.2rem; flex: none; align-self: center; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; color: var(--_soft); }
    input { flex: 1; min-width: 0; border: 0; background: none; color: inherit; font: inherit; font-size: max(1rem, 1em); padding: .5rem .2rem; outline: none; appearance: none; }
    input:focus-visible { outline: none; } /* the form around it shows the focus */
    input::-webkit-search-cancel-button { filter: grayscale(1); cursor: pointer; }
    input::placeholder { color: var(--_soft); opacity: 1; }
    form button { flex: none; border: 0; border-radius: inherit; padding: .58rem 1.2rem; background: var(--_accent); color: var(--_on); font-weight: 600; }
    .fitted > :is(input, button) { padding-block: 0 !important; }
    .panel { position: absolute; z-index: var(--echolot-z, 1000); inset-inline: 0; top: calc(100% + .4rem);
      max-height: min(75vh, 40rem); overflow-y: auto; overscroll-behavior: contain; background: var(--_paper); border: 1px solid var(--_line);
      border-radius: var(--_radius); box-shadow: 0 12px 40px -12px rgb(0 20 30 / 45%); padding: .4rem; text-align: start; }
    .head { padding: .5rem .75rem .2rem; font-size: .75rem; font-weight: 650; letter-spacing: .05em; text-transform: uppercase; color: var(--_soft); }
    .note { padding: .6rem .75rem; color: var(--_soft); font-size: .9375rem; margin: 0; }
    a { display: block; padding: .55rem .75rem; min-height: 2.75rem; border-radius: calc(var(--_radius) - .3rem); color: inherit; text-decoration: none; cursor: pointer; scroll-margin: .5rem; }
    a.line { display: flex; align-items: center; gap: .6rem; }
    a.line svg { width: 1rem; height: 1rem; }
    a:hover, a[aria-selected="true"] { background: var(--_wash); }
    a[aria-selected="true"] { box-shadow: inset 3px 0 0 var(--_accent); }
    :host(:dir(rtl)) a[aria-selected="true"] { box-shadow: inset -3px 0 0 var(--_accent); }
    .title { font-weight: 620; color: var(--_accent); }
    .where { display: block; font-size: .8125rem; color: var(--_soft); }
    .text { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; font-size: .9375rem; }
    .all { color: var(--_accent); font-weight: 600; }
    .stale { opacity: .6; }`;
  const LISTS = `
    section { border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_paper); padding: 1rem 1.2rem; }
    h2 { margin: 0 0 .6rem; font-size: 1.0625rem; line-height: 1.35; }
    ul { margin: 0; padding: 0; list-style: none; display: grid; gap: .7rem; }
    a { color: var(--_accent); font-weight: 600; text-decoration: none; display: inline-block; padding: .2rem 0; }
    a:hover { text-decoration: underline; }
    p { margin: 0; font-size: .9375rem; color: var(--_soft); }
    button { border: 1px solid var(--_line); border-radius: 999px; background: none; color: var(--_accent); padding: .45rem 1.1rem; min-height: 2.75rem; min-width: 4rem; font-weight: 600; }
    button:hover { background: var(--_wash); }
    .row { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; }
    .row h2 { margin: 0; }
    ul + button { margin-top: .8rem; }`;

  /** Make an element. Children are nodes or strings; strings become text. */
  const el = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== null) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const icon = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
    shape.setAttribute("d", path);
    svg.append(shape);
    return svg;
  };
  const GLASS = "M4 10.5a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0M15.5 15.5l5 5";
  const LEAF = "M6 3h8l4 4v14H6zM14 3v4h4";
  const HASH = "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16";

  /** Return text with highlights as nodes. Offsets count code points, JavaScript counts UTF-16 units. */
  const marked = (text, spans) => {
    const points = Array.from(text);
    const nodes = [];
    let at = 0;
    for (const [start, end] of [...(spans || [])].sort((a, b) => a[0] - b[0])) {
      if (start < at || end <= start || end > points.length) continue;
      nodes.push(points.slice(at, start).join(""), el("mark", { part: "mark" }, points.slice(start, end).join("")));
      at = end;
    }
    nodes.push(points.slice(at).join(""));
    return nodes;
  };
  /** Return an address that may be followed, else "". */
  const safe = (url) => {
    try {
      return /^https?:$/.test(new URL(url).protocol) ? url : "";
    } catch {
      return "";
    }
  };
  const sheets = new Map();
  const style = (root, css) => {
    // Constructed sheets obey the strictest Content-Security-Policy; a <style> element would need 'unsafe-inline'.
    const made = [SHARED, css].map((text) => {
      if (!sheets.has(text)) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        sheets.set(text, sheet);
      }
      return sheets.get(text);
    });
    root.adoptedStyleSheets = made;
  };
  /** What the page is about: its canonical address, else its address without the fragment. */
  const pageUrl = () => {
    const canonical = document.querySelector('link[rel="canonical"]');
    return (canonical && safe(canonical.href)) || location.href.split("#")[0];
  };
  const storage = {
    get(key) {
      try {
        return JSON.parse(sessionStorage.getItem("echolot-" + key)) || [];
      } catch {
        return []; // storage is forbidden or was written by someone else: then nothing is remembered
      }
    },
    add(key, value, most) {
      try {
        const kept = [value, ...this.get(key).filter((one) => one !== value)].slice(0, most);
        sessionStorage.setItem("echolot-" + key, JSON.stringify(kept));
      } catch {
        return; // as above
      }
    },
  };

  class Base extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const form = this.querySelector("form");
      const height = form ? form.getBoundingClientRect().height : 0; // before the shadow tree hides it
      this.attachShadow({ mode: "open" });
      this.render(this.shadowRoot, height);
    }

    /** Return one of the widget's own texts: attribute text-NAME, else the language's, else English. */
    text(name, values = {}) {
      const own = this.getAttribute("text-" + name);
      const wanted = this.lang || (this.closest("[lang]") || document.documentElement).lang || navigator.language || "en";
      const text = own ?? (TEXTS[wanted.slice(0, 2).toLowerCase()] || TEXTS.en)[name];
      return text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
    }

    number(name, fallback) {
      const value = parseInt(this.getAttribute(name), 10);
      return Number.isNaN(value) ? fallback : value;
    }

    get base() {
      return (this.getAttribute("api") ?? BASE).replace(/\/$/, "");
    }

    /** Ask the API. Throws on a network error, returns null on an HTTP error other than 503 and 429. */
    async ask(name, values, options = {}) {
      const pairs = new URLSearchParams();
      const all = { site: this.getAttribute("site"), ...values };
      for (const [key, value] of Object.entries(all)) for (const one of [value].flat()) if (one || one === 0) pairs.append(key, one);
      const response = await fetch(`${this.base}/api/v1/${name}?${pairs}`, { credentials: "omit", ...options });
      if (response.status === 429 || response.status === 503) throw new Error("busy");
      return response.ok ? response.json() : null;
    }

    tell(name, body) {
      const site = this.getAttribute("site");
      return fetch(`${this.base}/api/v1/${name}`, {
        method: "POST",
        credentials: "omit",
        keepalive: true,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(site ? { site, ...body } : body),
      });
    }
  }

  let searches = 0;

  class Search extends Base {
    render(root, height) {
      style(root, SEARCH);
      this.id_ = `echolot-${++searches}-`;
      this.typed = ""; // the text that the panel is about
      this.active = -1;
      this.touched = false; // the pointer moved over the panel since the last key: nothing may move now
      this.held = null; // an update that waits until the reader looks elsewhere
      this.answers = new Map();
      const old = this.querySelector("form");
      const field = old && old.querySelector('input[type="search"], input[type="text"], input:not([type])');
      this.input = el("input", {
        type: "search",
        name: (field && field.name) || "q",
        part: "input",
        role: "combobox",
        "aria-label": (field && field.getAttribute("aria-label")) || this.text("label"),
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": this.id_ + "list",
        autocomplete: "off",
        autocapitalize: "off",
        spellcheck: "false",
        enterkeyhint: "search",
        maxlength: "1000",
        placeholder: this.getAttribute("placeholder") || (field && field.placeholder) || this.text("placeholder"),
      });
      this.form = el("form", { part: "form", role: "search", method: "get", action: this.getAttribute("action") || (old && old.getAttribute("action")) || this.base + "/search" });
      this.form.append(icon(GLASS), this.input);
      for (const hidden of old ? old.querySelectorAll('input[type="hidden"]') : []) this.form.append(el("input", { type: "hidden", name: hidden.name, value: hidden.value }));
      if (!old && this.hasAttribute("site")) this.form.append(el("input", { type: "hidden", name: "site", value: this.getAttribute("site") }));
      this.form.append(el("button", { type: "submit", part: "button" }, this.text("search")));
      this.list = el("div", { id: this.id_ + "list", role: "listbox", "aria-label": this.text("results"), part: "list" });
      this.note = el("p", { class: "note", part: "note", hidden: "" });
      this.panel = el("div", { class: "panel", part: "panel", hidden: "" }, this.note, this.list);
      this.status = el("div", { class: "quiet", role: "status", "aria-live": "polite" });
      this.suggestions = el("div", { role: "group", "aria-label": this.text("suggestions"), part: "group", hidden: "" });
      this.results = el("div", { role: "group", "aria-label": this.text("results"), part: "group", hidden: "" });
      this.list.append(this.suggestions, this.results);
      root.append(this.form, this.panel, this.status);
      // As high as the form it replaces, so that nothing below moves; not where that form had other things than a field.
      if (height >= 36 && height <= 72) {
        this.form.style.height = `${height}px`;
        this.form.classList.add("fitted");
      }
      this.adopt(field);
      this.listen();
    }

    /** Take over what the visitor already typed into the form that worked without this script. */
    adopt(field) {
      if (!field) return;
      this.input.value = field.value;
      const focused = field === document.activeElement || (field.autofocus && document.activeElement === document.body);
      if (focused) {
        this.input.focus();
        this.input.setSelectionRange(field.selectionStart, field.selectionEnd);
      }
    }

    listen() {
      this.input.addEventListener("input", () => this.onInput());
      this.input.addEventListener("keydown", (event) => this.onKey(event));
      this.input.addEventListener("focus", () => this.typed && this.typed === this.input.value.trim() && this.open());
      this.panel.addEventListener("pointermove", (event) => event.pointerType === "mouse" && (this.touched = true));
      this.panel.addEventListener("pointerleave", () => this.release());
      this.panel.addEventListener("pointerdown", (event) => event.pointerType === "mouse" && event.preventDefault());
      this.list.addEventListener("click", (event) => this.onClick(event));
      this.addEventListener("focusout", (event) => this.contains(event.relatedTarget) || event.relatedTarget === this || this.close());
      this.onOutside = (event) => event.composedPath().includes(this) || this.close();
      document.addEventListener("pointerdown", this.onOutside);
      this.onResize = () => this.panel.hidden || this.place(); // a phone was turned
      window.addEventListener("resize", this.onResize);
      if (this.getAttribute("hotkeys") !== "off") {
        this.onHotkey = (event) => this.hotkey(event);
        document.addEventListener("keydown", this.onHotkey);
      }
    }

    disconnectedCallback() {
      clearTimeout(this.timer);
      document.removeEventListener("pointerdown", this.onOutside);
      window.removeEventListener("resize", this.onResize);
      document.removeEventListener("keydown", this.onHotkey);
    }

    hotkey(event) {
      const target = event.composedPath()[0];
      const writing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      const slash = event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
      const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if (event.defaultPrevented || !(slash || control)) return;
      event.preventDefault();
      this.input.focus();
      this.input.select();
    }

    onInput() {
      const text = this.input.value.trim();
      this.touched = false;
      this.held = null;
      this.select(-1);
      clearTimeout(this.timer);
      if (this.pending) this.pending.abort();
      this.typed = text;
      if (!text) return this.close();
      this.pending = new AbortController();
      this.ask_(text, this.pending.signal);
    }

    ask_(text, signal) {
      const wanted = this.number("suggestions", 5);
      if (wanted) this.fetch_("suggest", text, signal, { q: text, limit: wanted, lang: this.getAttribute("query-lang") });
      const results = this.number("results", 5);
      if (results) {
        const values = { q: text, limit: results, sections: 1, typing: 1, lang: this.getAttribute("query-lang") };
        this.timer = setTimeout(() => this.fetch_("search", text, signal, values), PAUSE_MS);
      }
    }

    async fetch_(kind, text, signal, values) {
      const key = `${kind} ${text}`;
      let answer = this.answers.get(key);
      try {
        answer = answer || (await this.ask(kind, values, { signal }));
      } catch (error) {
        if (error.name !== "AbortError" && text === this.typed) this.trouble(error.message === "busy" ? "busy" : "offline");
        return;
      }
      if (answer) this.answers.set(key, answer);
      if (this.answers.size > 50) this.answers.delete(this.answers.keys().next().value);
      if (text !== this.typed) return;
      this.show(() => (kind === "suggest" ? this.showSuggestions(answer) : this.showResults(answer, text)));
    }

    /** Change the panel, but never under the reader's eyes: not while an option is chosen or the pointer is on it. */
    show(update) {
      if (this.active >= 0 || (this.touched && !this.panel.hidden)) {
        const before = this.held;
        this.held = () => (before && before(), update());
        return;
      }
      update();
    }

    release() {
      this.touched = false;
      const held = this.active < 0 && this.held;
      if (!held) return;
      this.held = null;
      held();
    }

    showSuggestions(answer) {
      // Late suggestions would push results down that are already there for this text.
      if (this.resultsFor === this.typed && !this.results.hidden) return;
      const options = ((answer && answer.suggestions) || []).map((one) => this.suggestion(one));
      this.suggestions.replaceChildren(...(options.length ? [el("div", { class: "head", "aria-hidden": "true" }, this.text("suggestions"))] : []), ...options);
      this.suggestions.hidden = !options.length;
      this.results.classList.toggle("stale", this.resultsFor !== this.typed);
      this.shown();
    }

    suggestion(one) {
      const target = safe(one.url);
      const option = this.option(target || this.searchUrl(one.text), "line", icon(one.kind === "query" ? GLASS : one.kind === "heading" ? HASH : LEAF));
      option.append(el("span", { dir: "auto", part: "title" }, ...marked(one.text, one.highlights)));
      if (!target) option.query = one.text;
      return option;
    }

    showResults(answer, text) {
      this.resultsFor = text;
      const found = (answer && answer.results) || [];
      const options = found.filter((one) => safe(one.link)).map((one, position) => this.result(one, position));
      const all = this.option(this.searchUrl(text), "line all", icon(GLASS));
      all.append(el("span", {}, this.text(options.length ? "all" : "nothing", { q: text })));
      all.query = text;
      const head = el("div", { class: "head", "aria-hidden": "true" }, this.text(answer && answer.nothing_relevant && options.length ? "nearest" : "results"));
      this.results.replaceChildren(...(options.length ? [head] : []), ...options, all);
      this.results.hidden = false;
      this.results.classList.remove("stale");
      this.shown();
    }

    result(one, position) {
      const option = this.option(safe(one.link), "hit");
      const where = one.section.headings.filter((heading) => heading !== one.title).join(" › ");
      option.append(el("span", { class: "title", part: "title", dir: "auto", lang: one.lang || null }, one.title || one.url));
      if (where) option.append(el("span", { class: "where", part: "where", dir: "auto" }, where));
      option.append(el("span", { class: "text", part: "snippet", dir: "auto", lang: one.lang || null }, ...marked(one.snippet.text, one.snippet.highlights)));
      option.click_ = { q: this.typed, url: one.url, position, typing: true };
      return option;
    }

    option(href, kind, ...children) {
      return el("a", { role: "option", "aria-selected": "false", tabindex: "-1", part: "option", class: kind, href }, ...children);
    }

    searchUrl(text) {
      const url = new URL(this.form.getAttribute("action"), location.href);
      for (const hidden of this.form.querySelectorAll('input[type="hidden"]')) url.searchParams.append(hidden.name, hidden.value);
      url.searchParams.set(this.input.name, text);
      return url.href;
    }

    shown() {
      this.note.hidden = true;
      const options = this.options();
      options.forEach((option, index) => (option.id = this.id_ + index));
      if (!options.length) return this.close();
      this.open();
      clearTimeout(this.saying);
      const results = this.results.hidden || this.resultsFor !== this.typed ? 0 : options.filter((one) => one.click_).length;
      const counts = { suggestions: this.suggestions.querySelectorAll("a").length, results };
      const said = Object.keys(counts).filter((name) => counts[name]).map((name) => `${this.text(name)}: ${counts[name]}. `);
      this.saying = setTimeout(() => (this.status.textContent = said.join("") + this.text("keys")), 600);
    }

    trouble(name) {
      this.suggestions.hidden = this.results.hidden = true;
      this.suggestions.replaceChildren();
      this.results.replaceChildren();
      this.note.textContent = this.status.textContent = this.text(name);
      this.note.hidden = false;
      this.open();
    }

    options() {
      return [...this.list.querySelectorAll("a")];
    }

    open() {
      if (this.shadowRoot.activeElement !== this.input) return;
      this.panel.hidden = false;
      this.input.setAttribute("aria-expanded", "true");
      this.place();
    }

    place() {
      // A narrow field gets a panel that is as wide as the page lets it be.
      const { left, right, width } = this.getBoundingClientRect();
      const page = document.documentElement.clientWidth;
      const wanted = Math.min(Math.max(width, 420), page - 16);
      const start = Math.max(8, Math.min(this.matches(":dir(rtl)") ? right - wanted : left, page - 8 - wanted));
      Object.assign(this.panel.style, { left: `${start - left}px`, right: "auto", width: `${wanted}px` });
    }

    close() {
      this.select(-1);
      this.touched = false;
      this.release(); // so that it is up to date when it opens again
      this.panel.hidden = true;
      this.input.setAttribute("aria-expanded", "false");
    }

    select(index) {
      const options = this.options();
      if (options[this.active]) options[this.active].setAttribute("aria-selected", "false");
      this.active = index;
      const chosen = options[index];
      if (!chosen) {
        this.active = -1;
        this.input.removeAttribute("aria-activedescendant");
        return;
      }
      chosen.setAttribute("aria-selected", "true");
      this.input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    }

    onKey(event) {
      if (event.isComposing) return;
      const open = !this.panel.hidden;
      const count = this.options().length;
      if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count) {
        event.preventDefault();
        if (!open) this.open();
        // One place beyond the ends is the field itself, as the ARIA pattern has it.
        const step = event.key === "ArrowDown" ? 1 : -1;
        this.select(((this.active + 1 + step + count + 1) % (count + 1)) - 1);
        if (this.active < 0 && !this.touched) this.release();
      } else if (event.key === "Enter" && open && this.active >= 0) {
        event.preventDefault();
        this.options()[this.active].click();
      } else if (event.key === "Escape") {
        if (open) this.close();
        else if (this.input.value) {
          this.input.value = "";
          this.onInput();
        } else this.input.blur();
        event.preventDefault();
      }
    }

    onClick(event) {
      const option = event.composedPath().find((node) => node.localName === "a");
      if (!option) return;
      if (option.click_ && this.getAttribute("report") !== "off") this.tell("click", option.click_).catch(() => undefined); // a lost count is no trouble
      if (option.query) this.input.value = option.query;
      const chosen = new CustomEvent("echolot-select", { bubbles: true, composed: true, cancelable: true, detail: { href: option.href } });
      if (!this.dispatchEvent(chosen)) event.preventDefault();
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) this.close();
    }
  }

  /** A heading and a list of links, invisible until there is something to show. */
  class Links extends Base {
    render(root) {
      style(root, LISTS);
      this.section = el("section", { part: "box", hidden: "" });
      this.heading = el("h2", { part: "heading", id: "heading" }, this.getAttribute("heading") || this.text(this.kind));
      this.section.setAttribute("aria-labelledby", "heading");
      this.list = el("ul", { part: "list" });
      this.section.append(this.heading, this.list);
      root.append(this.section);
      this.load();
    }

    fill(results) {
      const items = results.filter((one) => safe(one.url)).map((one) => {
        const link = el("a", { href: one.url, part: "link", lang: one.lang || null, dir: "auto" }, one.title || one.url);
        link.addEventListener("click", () => storage.add("seen", one.url, 20));
        const words = one.description || (this.kind === "random" ? one.snippet.text : "");
        const text = Array.from(words);
        const short = text.length > 160 ? text.slice(0, 160).join("").replace(/\s+\S*$/, "") + " …" : words;
        return el("li", { part: "item" }, link, ...(short ? [el("p", { part: "text", dir: "auto" }, short)] : []));
      });
      this.list.replaceChildren(...items);
      this.section.hidden = !items.length;
    }

    async get(values) {
      try {
        const answer = await this.ask(this.kind, values);
        this.fill((answer && answer.results) || []);
      } catch {
        this.section.hidden = true; // an extra of the page: without the daemon it is not there
      }
    }
  }

  class Similar extends Links {
    kind = "similar";
    load() {
      this.get({ url: this.getAttribute("url") || pageUrl(), limit: this.number("limit", 5) });
    }
  }

  class Random extends Links {
    kind = "random";
    load() {
      const button = el("button", { type: "button", part: "button" }, this.text("another"));
      button.addEventListener("click", () => this.next());
      this.list.setAttribute("aria-live", "polite");
      this.section.append(button);
      storage.add("seen", pageUrl(), 20);
      this.next();
    }

    async next() {
      await this.get({ limit: this.number("limit", 1), seen: storage.get("seen").filter(safe), lang: this.getAttribute("query-lang") });
      for (const link of this.list.querySelectorAll("a")) storage.add("seen", link.href, 20);
    }
  }

  class Helpful extends Base {
    render(root) {
      style(root, LISTS);
      const url = this.getAttribute("url") || pageUrl();
      const heading = el("h2", { part: "heading", id: "heading" }, this.getAttribute("heading") || this.text("helpful"));
      const buttons = [true, false].map((helpful) => {
        const button = el("button", { type: "button", part: "button" }, this.text(helpful ? "yes" : "no"));
        button.addEventListener("click", () => this.vote(url, helpful));
        return button;
      });
      this.row = el("div", { class: "row", role: "group", "aria-labelledby": "heading" }, heading, ...buttons);
      this.said = el("p", { role: "status", part: "status" });
      root.append(el("section", { part: "box" }, this.row, this.said));
      if (storage.get("voted").includes(url)) this.done();
    }

    async vote(url, helpful) {
      try {
        const response = await this.tell("feedback", { url, helpful });
        if (!response.ok) throw new Error(String(response.status));
        storage.add("voted", url, 50);
        this.done();
      } catch {
        this.said.textContent = this.text("failed");
      }
    }

    done() {
      this.row.hidden = true;
      this.said.textContent = this.text("thanks");
    }
  }

  const elements = { search: Search, similar: Similar, random: Random, helpful: Helpful };
  for (const [name, element] of Object.entries(elements)) if (!customElements.get("echolot-" + name)) customElements.define("echolot-" + name, element);
})();
