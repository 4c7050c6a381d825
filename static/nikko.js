/* What jQuery adds to pages that work without it: no page loads, edits in place, and a focus that stays.
   Every form is sent as it stands, and what comes back are elements, drawn by the same templates as the page,
   each of which takes the place of the one with its id. */
(function ($) {
  "use strict";

  const TOAST_STAYS = 8000; // milliseconds
  const ANSWER_WITHIN = 20000;
  const LOST = "No answer came. What you typed is still here; reload the page to see what was saved.";
  const before = new Map(); // by id: what stood where something is edited now
  let adding = $.when(); // what is added goes one after the other, or it would stand in another order

  // Placing what the server drew

  function place(html) {
    const focus = rememberFocus();
    const drawn = document.createElement("template"); // $.parseHTML would set a base address, which the CSP forbids
    drawn.innerHTML = html;
    $(drawn.content.children).each(function () {
      const old = document.getElementById(this.id);
      const list = this.dataset.list && document.getElementById(this.dataset.list);
      if (this.id === "toast") {
        $(old).empty().append($(this).contents()); // the live region stays, so that it speaks
        hideToastLater();
      } else if ("gone" in this.dataset) {
        if (old) focus.owners.unshift(...withNeighbours(old));
        $(old).remove();
      } else if (list) {
        const next = document.getElementById(this.dataset.before);
        if (old !== next) $(old).remove();
        const unknown = this.dataset.before && next?.parentNode !== list; // added elsewhere meanwhile
        list.insertBefore(this, unknown ? list.firstElementChild : next);
      } else if (old && !(this.matches(".ticket-head") && $(old).has(".edit").length && !$(this).has(".edit").length)) {
        keepUnsent(old, this);
        $(old).replaceWith(this);
      }
      if (this.id === "account") document.documentElement.dataset.theme = $(this).find("[aria-pressed=true]").val();
    });
    giveBackFocus(focus);
  }

  // What somebody is writing outlives a redraw of what is around it.
  function keepUnsent(old, fresh) {
    $(old).find("li:has(.edit)").each(function () {
      $(fresh).find("#" + this.id).replaceWith(this);
    });
    $(old).find(".add").each(function () {
      const $same = $(fresh).find("#" + this.id);
      $(this).find("textarea").attr("placeholder", (_, old) => $same.find("textarea").attr("placeholder") || old);
      if ($same.length) $same.replaceWith(this); // itself, for what it sent may come back to it
      else $(fresh).find("#" + $(this).parent().attr("id")).replaceWith(this.parentNode);
    });
  }

  function rememberFocus() {
    const active = document.activeElement;
    const owners = $(active).parents("[id]").get().flatMap(withNeighbours);
    const key = active.dataset.k === "delete" ? "edit" : active.dataset.k; // not on the next row's Delete
    return { id: active.id, key, owners };
  }

  function withNeighbours(owner) {
    const items = owner.matches("li") ? [owner, owner.nextElementSibling, owner.previousElementSibling] : [owner];
    return items.filter(Boolean).map((item) => item.id);
  }

  function giveBackFocus(focus) {
    if (document.activeElement !== document.body) return;
    for (const id of [focus.id, ...focus.owners]) {
      const $place = $(id ? document.getElementById(id) : null);
      const $same = $place.filter("button, a, textarea, summary").add($place.find(`[data-k="${focus.key}"]`));
      const $harmless = focus.key ? $place.find("[data-k=more], [data-k=edit]") : $();
      const $any = $place.find("a, button, textarea, summary");
      const target = [$same, $harmless, $any].map(($some) => $some.filter(":visible")[0]).find(Boolean);
      if (target) return target.focus();
    }
  }

  // Sending

  $(document).on("submit", "form:not([data-plain])", function (event) {
    event.preventDefault();
    const button = event.originalEvent.submitter;
    closeMenus();
    if (!$(this).data("busy")) send(this, button);
  });

  function send(form, button) {
    const $form = $(form);
    const fields = $form.serializeArray();
    if (button?.name) fields.push({ name: button.name, value: button.value });
    const takeBack = anticipate($form, button);
    if (!$form.is(".add")) $form.data("busy", true);
    const ask = () => $.ajax({
      url: button?.getAttribute("formaction") || form.getAttribute("action"),
      method: "POST",
      data: fields,
      timeout: ANSWER_WITHIN,
    });
    ($form.is(".add") ? (adding = adding.then(ask, ask)) : ask())
      .always(() => $form.data("busy", false))
      .done(function (html, _, xhr) {
        clearProblems($form);
        if ($form.is(".edit")) $form.closest("li, .ticket-head").find(".edit").removeClass("edit");
        const page = xhr.getResponseHeader("X-Go-To");
        if (page) visit(page);
        else place(html);
      })
      .fail(function (xhr) {
        takeBack();
        if (xhr.getResponseHeader("X-Send-Plainly")) form.submit();
        else showProblem($form, xhr);
      });
  }

  function visit(page) {
    const stays = page.split("#")[0] === location.pathname + location.search;
    location.assign(page);
    if (stays) location.reload();
  }

  // Show at once what the server will most likely say; returns how to take it back.
  function anticipate($form, button) {
    const $button = $(button);
    if ($form.is(".add")) return emptyField($form);
    if ($button.is(".box")) {
      const tick = () => $button.attr("aria-checked", (_, now) => String(now !== "true")).closest("li").toggleClass("ticked");
      tick();
      return tick;
    }
    if ($button.is("[name=status]")) return $form.is(".ticket-bar") ? press($button) : moveCard($button);
    return $.noop;
  }

  // The field is ready for the next line while the last one is still under way.
  function emptyField($form) {
    const field = $form.find("textarea")[0];
    const key = $form.find("[name=key]")[0];
    const [text, sentKey] = [field.value, key.value];
    field.value = "";
    key.value = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("-");
    return function () {
      if (!field.value) key.value = sentKey; // the same once more adds nothing twice
      field.value = field.value ? text + "\n" + field.value : text;
    };
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

  function moveCard($button) {
    const focus = rememberFocus();
    const card = $button.closest("li")[0];
    const [list, next] = [card.parentNode, card.nextSibling];
    $("#tickets-" + $button.val()).prepend(card);
    giveBackFocus(focus);
    return function () {
      list.insertBefore(card, next);
      giveBackFocus(focus);
    };
  }

  // Refusals

  function showProblem($form, xhr) {
    const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    const message = plain ? xhr.responseText : xhr.status ? `Something went wrong (${xhr.status}). Nothing was saved.` : LOST;
    const field = xhr.getResponseHeader("X-Field");
    const $input = $form.find(`[name="${field}"]:visible`);
    const $note = $input.length ? $("#" + $input.attr("aria-describedby")) : $form.find(".problem").first();
    clearProblems($form);
    if ($input.length) {
      $input.attr("aria-invalid", "true").trigger("focus");
      $note.data("hint", $note.is(".hint") ? $note.text() : "").removeClass("hint").addClass("problem").text(message);
    } else if ($note.length) {
      $note.text(message);
    }
    if (!$note.length || xhr.status === 401 || !xhr.status) notify(message, xhr.status === 401);
  }

  function clearProblems($form) {
    $form.find("[aria-invalid]").removeAttr("aria-invalid");
    $form.find(".problem").each(function () {
      const hint = $(this).data("hint");
      $(this).text(hint || "").toggleClass("hint", !!hint).toggleClass("problem", !hint);
    });
    $("#notice").prop("hidden", true);
  }

  function notify(message, loggedOut) {
    $("#notice").prop("hidden", false).find("span").text(message);
    $("#notice a").prop("hidden", !loggedOut);
  }

  // Edits in place: a link whose part of the page comes back as a form

  $(document).on("click", "a[data-part]", function (event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const id = $(this).closest("[id]")[0].id;
    event.preventDefault();
    closeMenus();
    $.ajax({ url: this.href, timeout: ANSWER_WITHIN })
      .done(function (html) {
        before.set(id, document.getElementById(id));
        place(html);
        const field = $("#" + id).find("textarea, select").filter(":visible")[0];
        field?.focus();
        field?.setSelectionRange?.(field.value.length, field.value.length);
      })
      .fail(() => location.assign(this.href));
  });

  function cancel(element) {
    const part = $(element).parents("[id]").get().find((owner) => before.has(owner.id));
    if (!part) return false;
    const old = before.get(part.id);
    before.delete(part.id);
    $(part).replaceWith(old);
    $(old).find("[data-k=edit], [data-k=more], .plus").addBack(".plus").filter(":visible").first().trigger("focus");
    return true;
  }

  $(document).on("click", "[data-cancel]", function (event) {
    if (cancel(this)) event.preventDefault();
  });

  $(document).on("keydown", ".add textarea, .edit textarea, .move select", function (event) {
    const composing = event.originalEvent.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !composing && $(this).is("textarea")) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape" && !composing && cancel(this)) {
      event.preventDefault();
    }
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
    const button = menu.querySelector("summary").getBoundingClientRect();
    const sheet = menu.querySelector(".sheet");
    sheet.style.position = "fixed"; // not cut off by the column that scrolls
    sheet.style.right = "auto";
    sheet.style.left = Math.max(8, button.right - sheet.offsetWidth) + "px";
    sheet.style.top = Math.max(8, Math.min(button.bottom + 6, innerHeight - sheet.offsetHeight - 8)) + "px";
  }, true);

  document.addEventListener("scroll", () => closeMenus(), true);
  $(document).on("click", (event) => closeMenus($(event.target).closest("details.menu")));
  $(document).on("keydown", "details.menu[open]", function (event) {
    if (event.key !== "Escape") return;
    this.open = false;
    $(this).find("summary").trigger("focus");
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
    if (!url.searchParams.has("done")) return;
    url.searchParams.delete("done"); // a reload should not tell it again
    history.replaceState(null, "", url);
    hideToastLater();
  });
})(jQuery);
