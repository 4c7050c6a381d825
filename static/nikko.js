/* What jQuery adds to pages that work without it: no page loads, edits in place, dragging, keys, and pages that
   notice what changed elsewhere. Every form is sent as it stands, and what comes back are elements, drawn by the same
   templates as the page, each of which takes the place of the one with its id. */
(function ($) {
  "use strict";

  const TOAST_STAYS = 8000; // milliseconds, as all times here
  const ANSWER_WITHIN = 20000;
  const LOOK_AGAIN = 2000;
  const LOOK_SELDOM = 30000; // while the page isn't seen
  const LOST = "No answer came. What you did is still here, but not sent.";

  const byId = (id) => document.getElementById(id);
  const here = () => location.pathname + location.search;

  // Placing what the server drew

  const held = new Set(); // the elements that a redraw had to leave as they were
  let behind = false; // whether the page lacks something for another reason

  // The elements that the server drew; $.parseHTML would set a base address, which the CSP forbids.
  function elementsOf(html) {
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    return [...drawn.content.children];
  }

  function place(html) {
    const focus = rememberFocus();
    for (const fresh of elementsOf(html)) {
      const old = byId(fresh.id);
      if (fresh.id === "toast") {
        if (!fresh.firstElementChild) continue; // no news: what was just done can still be undone
        $(old).empty().append($(fresh).contents()); // the live region stays, so that it speaks
        hideToastLater();
      } else if (fresh.dataset.list) {
        putCard(fresh);
      } else if ("gone" in fresh.dataset) {
        if (old) focus.owners.unshift(...withNeighbours(old));
        $(old).remove();
      } else if (old) {
        renew(old, fresh);
      }
      if (fresh.id === "account") document.documentElement.dataset.theme = fresh.dataset.theme;
    }
    countOlder();
    markUnsent();
    giveBackFocus(focus);
    redrawn = Date.now();
    putSheet();
  }

  // Make `old` like `fresh`: what is the same stays as it is, with its focus, its scroll, and what was typed into it.
  function renew(old, fresh) {
    if (before.has(old.id)) return before.set(old.id, fresh); // for when it is closed
    if (old.isEqualNode(fresh)) return;
    const [parts, news] = [[...old.children], [...fresh.children]];
    if (old.matches(".add") && fresh.matches(".add")) {
      $(old).find("textarea").attr("placeholder", $(fresh).find("textarea").attr("placeholder"));
    } else if (old.matches("ol, ul") && [...parts, ...news].every((item) => item.id)) {
      renewList(old, fresh);
    } else if (parts.length && !hasText(old) && !hasText(fresh) && sameKinds([old, ...parts], [fresh, ...news])) {
      renewAttributes(old, fresh);
      parts.forEach((part, number) => renew(part, news[number]));
    } else if (isBusy(old)) {
      held.add(old);
    } else {
      swap(old, fresh);
    }
  }

  // Put `fresh` where `old` stands; the forms that add go along, with what is typed into them.
  function swap(old, fresh) {
    for (const kept of old.querySelectorAll(".add")) {
      const other = fresh.querySelector("#" + kept.id);
      const here = new Text();
      kept.replaceWith(here);
      if (other) {
        $(kept).find("label").text($(other).find("label").text());
        $(kept).find("textarea").attr("placeholder", $(other).find("textarea").attr("placeholder"));
        other.replaceWith(kept);
      }
      here.replaceWith(other || kept);
    }
    old.replaceWith(fresh);
  }

  function renewAttributes(old, fresh) {
    for (const { name, value } of [...fresh.attributes]) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open" && name !== "style") old.removeAttribute(name);
    }
  }

  // What has its place is not touched: what is taken out loses the focus, and the list what it was scrolled to.
  function renewList(list, wanted) {
    const news = [...wanted.children];
    if ([...list.children, ...news].some((item) => underWay.has(item.id))) {
      behind = true; // the last answer has the order
      return news.forEach((fresh) => byId(fresh.id) && renew(byId(fresh.id), fresh));
    }
    renewAttributes(list, wanted);
    for (const item of [...list.children].filter((each) => !news.some(({ id }) => id === each.id))) {
      const elsewhere = byId(wanted.getRootNode().getElementById(item.id)?.parentNode.id);
      if (isBusy(item)) held.add(item);
      else if (elsewhere) elsewhere.append(item);
      else item.remove();
    }
    let last = null;
    for (const fresh of news) {
      const mine = byId(fresh.id);
      if (mine) renew(mine, fresh);
      const item = byId(fresh.id) || fresh;
      const next = last ? last.nextElementSibling : list.firstElementChild;
      const stays = item.parentNode === list && item.contains(document.activeElement); // the others go around it
      if (item !== next && isBusy(item)) held.add(item);
      else if (item !== next && !stays) list.insertBefore(item, next);
      last = item.parentNode === list ? item : last;
    }
  }

  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const sameKinds = (some, others) =>
    some.length === others.length &&
    some.every((one, number) => one.tagName === others[number].tagName && one.id === others[number].id);

  let isSelecting = false; // asked of the selection for each card, it would lay the page out for each
  $(document).on("selectionchange", () => (isSelecting = !getSelection().isCollapsed));

  // Whether somebody is at work on it, so that a redraw has to wait.
  function isBusy(element) {
    return (
      $(element).find("*").addBack().is("details[open], .edit, .move, .both, .dragged") ||
      (isSelecting && getSelection().containsNode(element, true))
    );
  }

  function putCard(fresh) {
    const [list, card] = [byId(fresh.dataset.list), fresh.firstElementChild];
    const [old, next] = [byId(card.id), byId(fresh.dataset.before)];
    if (!list || underWay.has(card.id) || drag?.item.id === card.id) return;
    const isLast = fresh.dataset.before === (list.dataset.next ? "ticket-" + list.dataset.next : ""); // of those shown
    const known = isLast || next?.parentNode === list;
    if (!known && list.dataset.next) return $(old).remove(); // among those that aren't shown
    if (old) renew(old, card);
    const mine = byId(card.id) || card;
    const where = known ? next : list.firstElementChild; // the next one was added elsewhere meanwhile
    if (mine !== where && (mine.parentNode !== list || mine.nextElementSibling !== where)) list.insertBefore(mine, where);
  }

  // "Show older" counts what isn't there.
  function countOlder() {
    $(".column").each(function () {
      const [count, shown] = [$(this).find("h2 .count").text(), $(this).find(".tickets").children().length];
      const $older = $(this).find(".older");
      $older.children().toggle(count > shown);
      $older.find("[data-older]").text(Math.min(count - shown, $older.data("most")));
      if (count > shown && (shown < 10 || !$older.children().length)) behind = true;
    });
  }

  // The focus

  function rememberFocus() {
    const active = document.activeElement;
    const owners = $(active).parents("[id]").get().flatMap(withNeighbours);
    const key = active.dataset.k || $(active).closest("[data-opener]").data("opener");
    return { id: active.id, key: key === "delete" ? "edit" : key, owners }; // not on the next row's Delete
  }

  function withNeighbours(owner) {
    const items = owner.matches("li") ? [owner, owner.nextElementSibling, owner.previousElementSibling] : [owner];
    return items.filter(Boolean).map((item) => item.id);
  }

  function giveBackFocus(focus) {
    if ($(document.activeElement).not("body").is(":visible")) return;
    for (const id of [focus.id, ...focus.owners]) {
      const $place = $(id ? byId(id) : null);
      const $same = $place.filter("button, a, textarea, summary").add($place.find(`[data-k="${focus.key}"]`));
      const $harmless = focus.key ? $place.find("[data-k=title], [data-k=more], [data-k=edit]") : $();
      const $any = $place.find("a, button, textarea, summary");
      for (const target of [$same, $harmless, $any].flatMap(($some) => $some.filter(":visible").get())) {
        target.focus();
        if (document.activeElement === target) return; // what only fades in takes none
      }
    }
  }

  // Sending: one after the other, or what follows could overtake what it builds on

  let queue = $.when();
  let sending = 0; // how many are under way, and how many were ever begun
  let begun = 0;
  const underWay = new Set(); // the ids of what is being moved: an older answer must not move it back
  const unsent = new Map(); // by what it does: the id of what is marked with it, and a function that sends it again

  $(document).on("submit", "form", function (event) {
    if (this.method !== "post" || event.isDefaultPrevented()) return;
    if ("slow" in this.dataset) return waitFor(this, event.originalEvent.submitter);
    event.preventDefault();
    closeMenus();
    if (this.dataset.upload) return sendFile(this);
    if ($(event.originalEvent.submitter).is("[data-preview]")) return preview(this, event.originalEvent.submitter);
    if ($(this).attr("action") === "/logout") forgetDrafts();
    if ($(this).is(".add")) sendLines(this);
    else if (!$(this).data("busy")) send(this, event.originalEvent.submitter);
  });

  function send(form, button) {
    const $form = $(form);
    const fields = $form.serializeArray();
    if (button?.name) fields.push({ name: button.name, value: button.value });
    const url = button?.getAttribute("formaction") || form.getAttribute("action");
    const owner = $form.closest("[id]").attr("id");
    const again = $form.has("textarea").length ? () => send(form, button) : () => sendAgain(url, fields, owner);
    const takeBack = anticipate($form, button);
    $form.data("busy", !$form.is("#account form")); // Ctrl+Z three times is three steps
    post(url, fields)
      .always(() => $form.data("busy", false))
      .done(function (html, _, xhr) {
        clearProblems($form);
        forgetDraft($form);
        const $open = $form.closest(".edit, .both, .move").removeClass("edit both move");
        before.delete($open.closest("[id]").attr("id"));
        arrive(html, xhr);
      })
      .fail(function (xhr) {
        takeBack();
        if (xhr.status === 409 && isHtml(xhr)) choose($form, xhr.responseText);
        else showProblem($form, xhr);
        keepUnsent(xhr, url, owner, again);
      });
  }

  // Show what a text would look like, above the form that has it.
  function preview(form, button) {
    post(button.getAttribute("formaction"), $(form).serializeArray())
      .done(function (html, _, xhr) {
        clearProblems($(form));
        arrive(html, xhr);
        byId("preview").focus();
      })
      .fail((xhr) => showProblem($(form), xhr));
  }

  // What got lost, once more and as it was meant then, whatever the page shows by now.
  function sendAgain(url, fields, owner) {
    post(url, fields)
      .done((html, _, xhr) => arrive(html, xhr))
      .fail(function (xhr) {
        if (xhr.status === 404) return look(); // it has gone meanwhile, perhaps by this very deed
        showProblem($(byId(owner)), xhr);
        keepUnsent(xhr, url, owner, () => sendAgain(url, fields, owner));
      });
  }

  function arrive(html, xhr) {
    const page = xhr.getResponseHeader("X-Go-To");
    if (page) visit(page);
    else if (isSomebodyElses(xhr)) location.reload();
    else place(html);
  }

  function post(url, fields, name = url) {
    const data = [...fields.filter(({ name }) => name !== "back"), { name: "back", value: here() }];
    const ask = () => $.ajax({ url, method: "POST", data, timeout: ANSWER_WITHIN });
    isSent(name);
    sending += 1;
    begun += 1;
    queue = queue.then(ask, ask);
    return queue
      .always(() => (sending -= 1) || underWay.clear())
      .done((_, __, xhr) => countVersion(+xhr.getResponseHeader("X-Version")));
  }

  function visit(page) {
    const stays = page.split("#")[0] === here();
    location.assign(page);
    if (stays) location.reload();
  }

  // Files: how much has arrived is shown, and that something is done with it

  function sendFile(form) {
    const [$form, [file]] = [$(form), $(form).find("[type=file]").prop("files")];
    const $progress = $form.find("progress").prop("hidden", false).attr("value", 0);
    const $button = $form.find("button").prop("disabled", true);
    const stop = (xhr) => {
      $progress.prop("hidden", true);
      $button.prop("disabled", false);
      showProblem($form, xhr);
    };
    clearProblems($form);
    if (file.size > form.dataset.upload) return stop(refusal($form, form.dataset.tooLarge));
    const watched = () => {
      const xhr = $.ajaxSettings.xhr();
      xhr.upload.onprogress = ({ loaded, total }) => $progress.attr("value", (loaded / total) * 100);
      xhr.upload.onload = () => $progress.removeAttr("value"); // it is being read there
      return xhr;
    };
    const fields = { data: new FormData(form), processData: false, contentType: false, xhr: watched };
    $.ajax({ url: form.getAttribute("action"), method: "POST", ...fields })
      .done((html, _, xhr) => arrive(html, xhr))
      .fail(stop);
  }

  // What the server would say of the field in this form that has a file.
  const refusal = ($form, responseText) => ({
    status: 413,
    responseText,
    getResponseHeader: (name) => ({ "Content-Type": "text/plain", "X-Field": $form.find("[type=file]").attr("name") })[name],
  });

  // A form whose answer is another page and takes its time: the browser sends it, once.
  function waitFor(form, button) {
    if ($(form).data("busy")) return false;
    $(form).data("busy", true).find("progress").prop("hidden", false);
    $(button).attr("aria-disabled", "true");
    return true;
  }

  $(window).on("pageshow", function () { // who comes back by "Back" finds it ready
    $("form[data-slow]").data("busy", false).find("progress").prop("hidden", true);
    $("form[data-slow] button").removeAttr("aria-disabled");
  });

  // Adding: the field is ready for the next line while the last one is still under way. What got lost comes back into
  // it, and while it stands there as it was, each goes again with its own key, so that nothing is added twice.

  // What a form sent, each a text and its key: what is under way, and what got lost and stands in the field again.
  function linesOf(form) {
    if (!$(form).data("lines")) $(form).data("lines", { lost: [], underWay: [] });
    return $(form).data("lines");
  }

  // What stands in the field below the lines that got lost; when those were changed, they are new ones.
  function typed(field) {
    const lines = linesOf(field.form);
    const above = together(lines.lost, "");
    if ((field.value + "\n").startsWith(above)) return field.value.slice(above.length);
    lines.lost = [];
    return field.value;
  }

  const together = (lines, rest) => lines.map(([text]) => text + "\n").join("") + rest;

  function sendLines(form) {
    const [field] = $(form).find("textarea");
    const lines = linesOf(form);
    const rest = typed(field);
    const ready = lines.lost;
    if (rest.trim() || !ready.length) ready.push([rest, crypto.getRandomValues(new Uint32Array(4)).join("-")]);
    lines.lost = [];
    lines.underWay.push(...ready);
    field.value = "";
    keepDraft(field);
    for (const line of ready) sendLine(form, field, line);
  }

  function sendLine(form, field, line) {
    const lines = linesOf(form);
    const fields = $(form).serializeArray().filter(({ name }) => name !== "key" && name !== field.name);
    fields.push({ name: field.name, value: line[0] }, { name: "key", value: line[1] });
    const url = form.getAttribute("action");
    post(url, fields, url + form.id)
      .always(() => (lines.underWay = lines.underWay.filter((each) => each !== line)))
      .done(function (html, _, xhr) {
        clearProblems($(form));
        arrive(html, xhr);
      })
      .fail(function (xhr) {
        const rest = typed(field);
        lines.lost.push(line);
        field.value = together(lines.lost, rest).replace(/\n$/, "");
        showProblem($(form), xhr);
        keepUnsent(xhr, url + form.id, form.id, () => sendLines(form));
      })
      .always(() => keepDraft(field));
  }

  // Show at once what the server will most likely say; returns how to take it back.
  function anticipate($form, button) {
    const $button = $(button);
    if ($button.is(".box")) {
      const tick = () => $button.attr("aria-checked", (_, now) => String(now !== "true")).closest("li").toggleClass("ticked");
      tick();
      return tick;
    }
    if ($button.is("[name=status]")) {
      if ($form.is(".ticket-bar")) return press($button);
      const list = byId("tickets-" + $button.val());
      return shift($button.closest("li")[0], list, list.firstElementChild);
    }
    return () => {};
  }

  function press($button) {
    const $pressed = $button.siblings("[aria-pressed=true]");
    const set = (pressed) => {
      $button.attr("aria-pressed", String(pressed));
      $pressed.attr("aria-pressed", String(!pressed));
    };
    set(true);
    return () => set(false);
  }

  // Put an item elsewhere on the page; returns how to put it back.
  function shift(item, list, next) {
    const [oldList, oldNext, focus] = [item.parentNode, item.nextSibling, rememberFocus()];
    list.insertBefore(item, next);
    giveBackFocus(focus);
    return function () {
      oldList.insertBefore(item, oldNext);
      giveBackFocus(focus);
    };
  }

  // Send where an item now stands; `takeBack` puts it where it was.
  function sendPlace(item, takeBack) {
    const list = item.parentNode;
    const next = item.nextElementSibling ? item.nextElementSibling.id.split("-")[1] : list.dataset.next || "";
    const [url, fields] = [item.dataset.place, [{ name: "before", value: next }]];
    if (list.dataset.status) fields.push({ name: "status", value: list.dataset.status });
    underWay.add(item.id);
    post(url, fields)
      .done((html, _, xhr) => arrive(html, xhr))
      .fail(function (xhr) {
        takeBack();
        showProblem($(item), xhr);
        keepUnsent(xhr, url, item.id, () => sendAgain(url, fields, item.id));
      });
  }

  // Refusals, and what didn't arrive

  const isLost = (xhr) => !xhr.status || [408, 502, 503, 504].includes(xhr.status);
  // Another person logged in with this browser: their board must not stand beside what this one typed.
  const isSomebodyElses = (xhr) => xhr.status === 200 && xhr.getResponseHeader("X-Person") !== document.body.dataset.person;
  const isHtml = (xhr) => (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");

  function showProblem($form, xhr) {
    const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    const message = plain ? xhr.responseText : xhr.status ? `Something went wrong (${xhr.status}). Nothing was saved.` : LOST;
    const field = xhr.getResponseHeader("X-Field");
    const $input = $form.find(`[name="${field}"]:visible`);
    const $note = $input.length ? $("#" + $input.attr("aria-describedby").split(" ")[0]) : $form.find(".problem").first();
    clearProblems($form);
    if ($input.length) {
      $input.attr("aria-invalid", "true").trigger("focus");
      $note.data("hint", $note.is(".hint") ? $note.text() : "").removeClass("hint").addClass("problem").text(message);
    } else if ($note.length) {
      $note.text(message);
    }
    if (!$note.length || xhr.status === 401 || isLost(xhr)) notify(message, xhr.status === 401);
  }

  function clearProblems($form) {
    $form.find("[aria-invalid]").removeAttr("aria-invalid");
    $form.find(".problem").each(function () {
      const hint = $(this).data("hint");
      $(this).text(hint || "").toggleClass("hint", !!hint).toggleClass("problem", !hint);
    });
    if (!unsent.size) $("#notice").prop("hidden", true);
  }

  function notify(message, loggedOut) {
    $("#notice").prop("hidden", false).find("span").text(message);
    $("#notice a").prop("hidden", !loggedOut);
    $("#notice [data-retry]").prop("hidden", !unsent.size);
  }

  function keepUnsent(xhr, name, owner, again) {
    if (!isLost(xhr)) return;
    unsent.set(name, { owner, again });
    $("#notice [data-retry]").prop("hidden", false);
    markUnsent();
  }

  // It is under way, or was given up.
  function isSent(name) {
    if (unsent.delete(name) && !unsent.size) $("#notice").prop("hidden", true);
    markUnsent();
  }

  function markUnsent() {
    $(".unsent").removeClass("unsent");
    for (const { owner } of unsent.values()) $(byId(owner)).addClass("unsent");
  }

  $(document).on("click", "[data-retry]", () => [...unsent.values()].forEach(({ again }) => again()));

  // A text that was changed elsewhere: both, where the field was.
  function choose($form, html) {
    const [both] = elementsOf(html);
    const id = $form.find("textarea").attr("id"); // it goes on being that field, with its draft
    for (const name of ["id", "for", "aria-describedby", "aria-labelledby"]) {
      $(both).find(`[${name}^=mine]`).attr(name, (_, value) => value.replace("mine", id));
    }
    $form.closest(".both, .edit").replaceWith(both);
    $(both).find("textarea").trigger("focus");
  }

  // Other views of this page: a search, more of a column, a card opened to its to-dos

  let view = here();
  let isTyped = false; // it is a search of which each letter takes the place of the one before; Back leads to the board

  function show(url, keep = false, isTyping = false) {
    const mine = (asked += 1);
    return $.ajax({ url, headers: { "If-None-Match": '"another view"' }, timeout: ANSWER_WITHIN })
      .done(function (html, _, xhr) {
        if (mine !== asked) return;
        if (isSomebodyElses(xhr)) return location.assign(url);
        if (!unsent.size) $("#notice").prop("hidden", true);
        history[keep || isTyped || url === view ? "replaceState" : "pushState"](null, "", url);
        view = here();
        isTyped = isTyping || (keep && isTyped);
        etag = xhr.getResponseHeader("ETag");
        behind = false;
        held.clear();
        const told = $("#board-head > p").text();
        place(html);
        showHits();
        say($("#board-head > p").text(), told);
      })
      .fail((xhr) => (isLost(xhr) ? notify("No answer came. Try again in a moment.") : location.assign(url)));
  }

  // On a phone a search is in vain in the column that is seen, but maybe not in another.
  function showHits() {
    const $column = $(".column:has(.tickets > li)").first();
    if ($(".strip").is(":visible") && $column.length && !$(".tickets:visible > li").length) location.replace("#" + $column[0].id);
  }

  // Tell who can't see it: a live region that comes with its text is silent, the one of the toasts speaks.
  function say(text, told) {
    if (text === told) return;
    $("#toast").children(".hidden").remove().end().append($("<p class=hidden>").text(text));
    hideToastLater();
  }

  $(document).on("click", "a[data-view]", function (event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    $("#q").val(new URL(this.href).searchParams.get("q") || "");
    show(this.getAttribute("href"));
  });

  $(document).on("click", "a[data-open]", function (event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    closeMenus();
    const view = new URLSearchParams(location.search);
    const opened = view.getAll("open").filter((id) => id !== this.dataset.open);
    const opens = opened.length === view.getAll("open").length;
    view.delete("open");
    for (const id of opens ? [...opened, this.dataset.open] : opened) view.append("open", id);
    const field = opens && !$(this).is(".progress") && `#add-todo-${this.dataset.open}-text`;
    show("/" + (view.size ? "?" + view : ""), true).done(() => $(field || null).trigger("focus"));
  });

  $(document).on("keydown", "#q", function (event) {
    if (event.key === "Escape" && !this.value) this.blur(); // the browser's own Esc empties it first
  });

  let typing;
  $(document).on("input", ".search input", function () {
    clearTimeout(typing);
    if (byId("board")) typing = setTimeout(search, 200, this.value, true);
  });

  $(document).on("submit", ".search", function (event) {
    if (!byId("board")) return;
    event.preventDefault();
    clearTimeout(typing);
    search($("#q").val());
  });

  // The chips stay chosen.
  function search(text, isTyping) {
    const chosen = [...new URLSearchParams(location.search)].filter(([name]) => name === "label" || name === "due");
    const query = new URLSearchParams([...(text.trim() ? [["q", text.trim()]] : []), ...chosen]);
    show("/" + (query.size ? "?" + query : ""), false, isTyping);
  }

  window.addEventListener("popstate", function () {
    if (here() === view) return; // only another column of the phone's strip
    isTyped = false;
    $("#q").val(new URL(location).searchParams.get("q") || "");
    show(here(), true);
  });

  // Live: what changed elsewhere shows here, by asking whether this page still is what it was

  let etag = $("#main").attr("data-etag");
  let asked = 0;
  let failures = 0;
  let looking;

  function look() {
    clearTimeout(looking);
    if (!etag) return;
    const [before, mine] = [begun, asked];
    const released = [...held].some((element) => !element.isConnected || !isBusy(element));
    const known = behind || released ? '"not all of it"' : etag;
    $.ajax({ url: here(), headers: { "If-None-Match": known }, timeout: ANSWER_WITHIN })
      .done(function (html, _, xhr) {
        if (failures && !unsent.size) $("#notice").prop("hidden", true);
        failures = 0;
        if (isSomebodyElses(xhr)) return location.reload();
        if (xhr.status !== 200 || sending || before !== begun || mine !== asked || drag) return;
        behind = false;
        held.clear();
        etag = xhr.getResponseHeader("ETag");
        place(html);
      })
      .fail(function (xhr) {
        failures += 1;
        if (xhr.status === 401) notify("You are logged out. What you write stays here.", true);
        else if (xhr.status === 404) notify("This ticket is not there any more. What you write stays here.");
        else if (!unsent.size) notify("NIKKO can’t be reached. What you write stays here.");
      })
      .always(lookLater);
  }

  function lookLater() {
    clearTimeout(looking);
    const often = document.hidden ? LOOK_SELDOM : LOOK_AGAIN;
    if (etag) looking = setTimeout(look, Math.min(often * 2 ** failures, Math.max(often, LOOK_SELDOM)));
  }

  // What this page did itself is on it already; anything between is not.
  function countVersion(version) {
    const own = etag?.match(/^(.*-)(\d+)"$/);
    if (!own || !version) return;
    if (version === +own[2] + 1) etag = `${own[1]}${version}"`;
    else if (version > +own[2]) behind = true;
  }

  $(window).on("focus online", look);
  document.addEventListener("visibilitychange", () => (document.hidden ? lookLater() : look()));

  // Edits in place: a link whose part of the page comes back as a form

  const before = new Map(); // by id: what stood where something is edited now
  let opening = 0; // how many such parts are on their way: what is typed meanwhile is meant for them

  $(document).on("click", "a[data-part]", function (event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    closeMenus();
    openPart(this).fail(() => location.assign(this.href));
  });

  function openPart(link) {
    opening += 1;
    return $.ajax({ url: link.href, timeout: ANSWER_WITHIN }).always(() => (opening -= 1)).done(function (html) {
      const [fresh] = elementsOf(html);
      const old = byId(fresh?.id);
      if (!old) return look(); // it has gone meanwhile
      const opener = $(old).find("[data-k=title]:focus, [data-k=box]:focus").data("k") || link.dataset.k || "more"; // where the focus goes back
      before.set(fresh.id, before.get(fresh.id) || old);
      swap(old, fresh);
      const tapped = matchMedia("(hover: none)").matches ? ", [name=label]" : ""; // the keyboard would cover the labels
      const field = $(fresh).find("textarea, select, input[autofocus]" + tapped).filter(":visible")[0];
      field?.focus();
      if (field?.dataset.says) field.select(); // another date is a new one
      else if (field?.type !== "checkbox") field?.setSelectionRange?.(field.value.length, field.value.length);
      const form = $(field).closest(".edit, .move")[0];
      form?.setAttribute("data-opener", opener);
      form?.scrollIntoView({ block: "nearest" }); // with its buttons
    });
  }

  function cancel(element) {
    const part = $(element).parents("[id]").get().find((owner) => before.has(owner.id));
    if (!part) return false;
    const old = before.get(part.id);
    before.delete(part.id);
    forgetDraft($(part));
    for (const [name, { owner }] of unsent) if (owner === part.id || part.querySelector("#" + owner)) isSent(name);
    const opener = $(part).find("[data-opener]").data("opener") || "edit";
    swap(part, old);
    const $openers = $(old).find(`[data-k=${opener}]`).add($(old).find("[data-k=more], .plus").addBack(".plus"));
    $openers.filter(":visible").first().trigger("focus");
    if (held.size) look();
    return true;
  }

  $(document).on("click", "[data-cancel]", function (event) {
    event.preventDefault();
    if (cancel(this)) return;
    forgetDraft($(this).closest("form, .both")); // the page was loaded with this field
    visit(this.getAttribute("href"));
  });

  const composes = (event) => event.originalEvent.isComposing || event.keyCode === 229;

  $(document).on("keydown", ".add textarea, .edit textarea, .both textarea, .move select, .edit input, .edit select", function (event) {
    if (composes(event)) return;
    const hasLines = $(this).is("[data-lines]"); // there Enter breaks the line
    if (event.key === "Enter" && (hasLines ? event.ctrlKey || event.metaKey : !event.shiftKey && $(this).is("textarea"))) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape" && !(hasLines && isChanged(this))) {
      event.preventDefault();
      if (!cancel(this)) this.blur(); // the single keys work again
    }
  });

  // A long text is not given up by one key.
  const isChanged = (field) => field.value !== $(field.form).find("[name=was]").val();

  // What a date field would be understood as, in the server's words

  let asking;
  $(document).on("input", "[data-says]", function () {
    const [field, note] = [this, byId(this.getAttribute("aria-describedby"))];
    $(field).removeAttr("aria-invalid");
    clearTimeout(asking);
    asking = setTimeout(() => $.ajax({ url: field.dataset.says, data: { text: field.value } }).done(function (words) {
      if ($(field).is("[aria-invalid]")) return; // it was refused meanwhile
      $(note).removeClass("problem").addClass("hint").text(words);
    }), 150);
  });

  $("[data-time-zone]").val(Intl.DateTimeFormat().resolvedOptions().timeZone);

  // Drafts: what is typed and not yet saved outlives a reload; it is kept for each person and forgotten at logout

  const ours = `nikko:${document.body.dataset.person}:`;
  const draftOf = (field) => `${ours}${location.pathname}#${field.id}`;

  function keepDraft(field) {
    const was = $(field.form).find("[name=was]").val();
    const rest = typed(field);
    const lines = Object.values(linesOf(field.form)).flat();
    const draft = { text: together(lines, rest), was, lines };
    try {
      if (draft.text && draft.text !== was) localStorage.setItem(draftOf(field), JSON.stringify(draft));
      else localStorage.removeItem(draftOf(field));
    } catch {
      return; // no room, or not allowed: then it lives as long as the page
    }
  }

  function forgetDraft($form) {
    $form.find("textarea").each((_, field) => localStorage.removeItem(draftOf(field)));
  }

  function forgetDrafts() {
    for (const name of Object.keys(localStorage)) if (name.startsWith("nikko:")) localStorage.removeItem(name);
  }

  function bringDraftsBack() {
    const page = `${ours}${location.pathname}#`;
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(page))) {
      const id = name.slice(page.length);
      const owner = byId(id.replace(/-edit$/, "")) || byId(id.replace(/^add-(.*)-text$/, "adder-$1"));
      const link = $(owner).find("[data-k=edit], .plus")[0];
      if (byId(id)) fill(byId(id), JSON.parse(localStorage[name]));
      else if (link) openPart(link).done(() => fill(byId(id), JSON.parse(localStorage[name])));
    }
  }

  function fill(field, draft) {
    if (!field || (field.value && field.value !== draft.text && !draft.was)) return;
    field.value = draft.text.replace(/\n$/, "");
    linesOf(field.form).lost = draft.lines;
    $(field.form).find("[name=was]").val(draft.was);
  }

  $(document).on("input", ".add textarea, .edit textarea, .both textarea", (event) => keepDraft(event.target));
  if (document.body.dataset.person) bringDraftsBack();

  // Dragging, by the handle or, with a mouse, by the whole card

  let drag = null;
  let dragged = false; // since the pointer went down

  document.addEventListener("pointerdown", function (event) {
    const item = event.target.closest("[data-place]");
    const grip = event.target.closest(".grip");
    const card = event.pointerType === "mouse" && item?.matches(".card");
    if (drag || event.button || !event.isPrimary || !item || !(grip || card) || $(item).has(".edit, .move").length) return;
    if (!grip && event.target.closest("button, summary, .sheet, .open-todos, .found")) return;
    drag = { item, x: event.clientX, y: event.clientY, put: null, ghost: null, at: event };
  });

  document.addEventListener("pointermove", function (event) {
    if (!drag || !event.isPrimary) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 6) return;
    drag.at = event;
    if (!drag.ghost) lift();
    follow();
  });

  function lift() {
    const box = drag.item.getBoundingClientRect();
    drag.ghost = drag.item.cloneNode(true);
    $(drag.ghost).addClass("ghost").attr({ "aria-hidden": "true", inert: "" }).find("[id]").addBack().removeAttr("id");
    Object.assign(drag.ghost.style, { width: box.width + "px", left: box.left + "px", top: box.top + "px" });
    drag.place = [drag.item.parentNode, drag.item.nextElementSibling];
    $(drag.item).addClass("dragged");
    $("body").addClass("dragging").append(drag.ghost);
    getSelection().removeAllRanges();
    drag.frame = requestAnimationFrame(scrollNearEdges);
    dragged = true;
  }

  // The item itself goes where it would be dropped, and its ghost with the pointer.
  function follow() {
    const { item, ghost, at } = drag;
    ghost.style.transform = `translate(${at.clientX - drag.x}px, ${at.clientY - drag.y}px)`;
    const tab = document.elementsFromPoint(at.clientX, at.clientY).find((element) => element.matches(".strip a"));
    if (tab && tab.hash !== location.hash) location.replace(tab.hash); // on a phone: another column
    const lists = item.matches(".card") ? $(".tickets:visible").get() : [item.parentNode];
    const list = lists.find((each) => at.clientX <= each.getBoundingClientRect().right) || lists.at(-1);
    const next = [...list.children].find((other) => {
      const box = other.getBoundingClientRect();
      return other !== item && at.clientY < box.top + box.height / 2;
    });
    if (item.parentNode !== list || (item.nextElementSibling || undefined) !== next) list.insertBefore(item, next || null);
  }

  function scrollNearEdges() {
    if (!drag) return;
    const list = drag.item.parentNode;
    const scrolls = list.scrollHeight > list.clientHeight && getComputedStyle(list).overflowY === "auto";
    const box = scrolls ? list.getBoundingClientRect() : { top: 0, bottom: innerHeight };
    const speed = Math.max(0, drag.at.clientY - box.bottom + 60) - Math.max(0, box.top + 60 - drag.at.clientY);
    (scrolls ? list : document.scrollingElement).scrollBy(0, Math.max(-24, Math.min(24, speed / 3)));
    if (speed) follow();
    drag.frame = requestAnimationFrame(scrollNearEdges);
  }

  function drop(keep) {
    if (!drag?.ghost) return (drag = null);
    const { item, ghost, place: [list, next], frame } = drag;
    drag = null;
    cancelAnimationFrame(frame);
    ghost.remove();
    $(item).removeClass("dragged");
    $("body").removeClass("dragging");
    const putBack = function () {
      shift(item, list, next?.parentNode === list ? next : null);
      behind = true; // what it stood before may have gone meanwhile
      if (!$(list).is(":visible")) location.replace("#" + list.parentNode.id); // on a phone: back to its column
    };
    if (!keep) putBack();
    else if (item.parentNode !== list || item.nextElementSibling !== next) sendPlace(item, putBack);
    $(item).find("[data-k=title], [data-k=box]")[0]?.focus({ preventScroll: true, focusVisible: false });
  }

  for (const [name, keep] of [["pointerup", true], ["pointercancel", false]]) {
    document.addEventListener(name, function (event) {
      if (!event.isPrimary) return; // a second finger
      drop(keep);
      setTimeout(() => (dragged = false), 50); // after the click, which opens nothing when it ends a drag
    });
  }
  document.addEventListener("click", (event) => dragged && (event.preventDefault(), event.stopPropagation()), true);
  $(document).on("dragstart", "[data-place]", (event) => event.preventDefault());

  // Keys

  const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
  const ITEMS = ".card, #todos > .todo";

  $(document).on("keydown", function (event) {
    if (event.key === "Escape" && drag) return drop(false);
    const target = event.target;
    if (event.isDefaultPrevented() || composes(event) || $(target).is("input, textarea, select") || $("dialog[open]").length) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z") {
      event.preventDefault();
      $(`#account form[action="${event.shiftKey ? "/redo" : "/undo"}"]`)[0]?.requestSubmit();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || opening) return;
    const item = target.closest(ITEMS);
    const way = ARROWS[event.key];
    const inMenu = target.closest("details[open], .open-todos, .move");
    if (way && item && !inMenu) (event.shiftKey ? move : go)(item, way, event);
    else if (event.key === "Delete" && item && !inMenu) pressKey(item, "delete", event);
    else if (byId("account")?.dataset.shortcuts === "1") single(event, item);
  });

  // The single keys, which can be turned off.
  function single(event, item) {
    const todo = byId("todos");
    const keys = {
      "/": () => $("#q").trigger("focus").trigger("select"),
      "?": () => byId("keys").showModal(),
      n: () => $(".add textarea:visible").first().trigger("focus"),
      e: () => pressKey(item || $(".ticket-head")[0], "edit", event),
      j: () => go(item, "down", event),
      k: () => go(item, "up", event),
    };
    const act = keys[event.key.toLowerCase()];
    if (!act || (event.shiftKey && event.key !== "?" && event.key !== "/")) return;
    if (!todo && !byId("board") && !"/?".includes(event.key)) return;
    event.preventDefault();
    act();
  }

  function pressKey(item, key, event) {
    event.preventDefault();
    $(item).find(`[data-k=${key}]`)[0]?.click();
  }

  const focusOn = (item) => $(item).find("[data-k=title], [data-k=box], textarea").filter(":visible").first().trigger("focus");

  function go(item, way, event) {
    event.preventDefault();
    if (!item) return focusOn($(ITEMS).filter(":visible")[0]);
    if (way === "up" || way === "down") return focusOn(way === "up" ? item.previousElementSibling : item.nextElementSibling);
    const beside = besideOf(item, way);
    if (beside) focusOn(beside.children[Math.min($(item).index(), beside.children.length - 1)]);
  }

  // The nearest column on that side that shows a card.
  function besideOf(item, way) {
    const lists = $(".tickets:visible").get();
    const number = lists.indexOf(item.parentNode);
    const side = way === "left" ? lists.slice(0, number).reverse() : lists.slice(number + 1);
    return number < 0 ? null : side.find((list) => list.children.length);
  }

  function move(item, way, event) {
    event.preventDefault();
    if (way === "left" || way === "right") return pressKey(item, way, event);
    const other = way === "up" ? item.previousElementSibling : item.nextElementSibling;
    if (other) sendPlace(item, shift(item, item.parentNode, way === "up" ? other : other.nextElementSibling));
  }

  $(document).on("click", "[data-keys]", function (event) {
    event.preventDefault();
    closeMenus();
    byId("keys").showModal();
  });

  // Menus

  function closeMenus(except) {
    const $open = $("details.menu[open]").not(except);
    $open.has(document.activeElement).find("summary").each((_, summary) => summary.focus({ preventScroll: true }));
    $open.prop("open", false);
  }

  document.addEventListener("toggle", function (event) {
    const menu = event.target;
    if (!$(menu).is("details.menu[open]")) return;
    closeMenus(menu);
    putSheet();
  }, true);

  // The open menu stands where its button is.
  function putSheet() {
    const [sheet] = $("details.menu[open] .sheet");
    if (!sheet) return;
    const button = sheet.parentNode.querySelector("summary").getBoundingClientRect();
    sheet.style.position = "fixed"; // not cut off by the column that scrolls
    sheet.style.right = "auto";
    sheet.style.left = Math.max(8, button.right - sheet.offsetWidth) + "px";
    sheet.style.top = Math.max(8, Math.min(button.bottom + 6, innerHeight - sheet.offsetHeight - 8)) + "px";
  }

  let redrawn = 0; // when; a list that grows above its menu scrolls by itself
  document.addEventListener("scroll", () => (Date.now() - redrawn < 200 ? putSheet() : closeMenus()), true);
  $(document).on("click", (event) => closeMenus($(event.target).closest("details.menu")));
  $(document).on("keydown", function (event) {
    const menu = $("details.menu[open]").last(); // Safari's click doesn't give it the focus
    if (event.key !== "Escape" || !menu.length) return;
    menu.prop("open", false);
    menu.find("summary").trigger("focus");
  });

  $(document).on("keydown", "details.menu[open]", function (event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = $(this).find(".sheet").find("a, button").filter(":visible").get();
    const next = entries[entries.indexOf(document.activeElement) + step] || entries.at(step > 0 ? 0 : -1);
    next.focus({ preventScroll: true }); // which would close it
  });

  $(document).on("focusout", "details.menu[open]", function (event) {
    if (event.relatedTarget && !this.contains(event.relatedTarget)) this.open = false;
  });

  // Toasts, which wait while somebody is at them

  let toastTimer;
  function hideToastLater() {
    clearTimeout(toastTimer);
    toastTimer = setTimeout(function () {
      if ($("#toast").is(":hover, :focus-within")) hideToastLater();
      else $("#toast").empty();
    }, TOAST_STAYS);
  }

  $(function () {
    const url = new URL(location.href);
    if (url.searchParams.has("done") || url.searchParams.has("changed")) hideToastLater();
    const passing = ["done", "changed", "edit", "move", "carry", "add", "labels", "date"]; // not once more at a reload
    for (const name of passing) url.searchParams.delete(name);
    for (const [id, top] of history.state?.scrolled || []) $("#" + id).scrollTop(top);
    if (document.activeElement === document.body) focusOn(byId(history.state?.at));
    history.replaceState(null, "", url);
    view = here();
    lookLater();
  });

  // Who comes back finds the columns where they were, and who was there by keys finds the card.
  $(window).on("pagehide", function () {
    const lists = $(".tickets, .beside").get().filter(({ scrollTop }) => scrollTop);
    const at = $(document.activeElement).filter(":focus-visible").closest(ITEMS).attr("id");
    history.replaceState({ scrolled: lists.map(({ id, scrollTop }) => [id, scrollTop]), at }, "");
  });
})(jQuery);
