/*
 * <script src="https://COLLECTOR/snippet.js" data-key="WRITE KEY" async></script>
 *
 * Sends page views and form submissions as a Segment batch. Nothing is sent or stored under Do Not Track or Global
 * Privacy Control, nor, with data-consent="required", before leadstreams.consent(true). An element with
 * data-leadstreams="off" is left alone. For every browser since 2015.
 * What is served is snippet.min.js, made by deploy/collector/minify-snippet.sh.
 */
(function (w, d) {
  var s = d.currentScript, n = navigator, store, memory = {}, last;
  if (!s || w.leadstreams) return;
  var to = s.src.replace(/\/[^\/]*$/, "") + "/v1/batch", key = s.getAttribute("data-key");
  var private_ = n.doNotTrack == "1" || w.doNotTrack == "1" || n.globalPrivacyControl;
  try { store = w.localStorage; } catch (e) {}

  function get(name) { try { return store.getItem("ls_" + name); } catch (e) { return memory[name]; } }
  function put(name, value) {
    memory[name] = value;
    try { value == null ? store.removeItem("ls_" + name) : store.setItem("ls_" + name, value); } catch (e) {}
  }
  function id() {
    var c = w.crypto, bytes = c && c.getRandomValues ? c.getRandomValues(new Uint8Array(16)) : [], text = "";
    for (var i = 0; i < 16; i++) text += ((bytes[i] || Math.random() * 256) | 256).toString(16).slice(1);
    return text;
  }
  function allowed() {
    return !private_ && get("consent") != "no" && (s.getAttribute("data-consent") != "required" || get("consent") == "yes");
  }
  /* A visit ends after 30 minutes without an event. */
  function session() {
    var now = +new Date(), old = (get("session") || "").split(".");
    var mine = old[0] && now - old[1] < 18e5 ? old[0] : id();
    put("session", mine + "." + now);
    return mine;
  }
  function campaign() {
    var found = {}, utm = /[?&]utm_([a-z]+)=([^&#]*)/g, hit;
    while ((hit = utm.exec(location.search))) {
      try { found[hit[1] == "campaign" ? "name" : hit[1]] = decodeURIComponent(hit[2].replace(/\+/g, " ")); } catch (e) {}
    }
    return found;
  }
  function send(type, event, properties) {
    if (!allowed()) return;
    var who = get("id") || id(), at = new Date().toISOString();
    put("id", who);
    var message = { type: type, messageId: id(), anonymousId: who, timestamp: at, properties: properties, context: {
        page: { url: location.href, title: d.title, referrer: last || d.referrer },
        campaign: campaign(), sessionId: session(), locale: n.language, library: { name: "leadstreams.js" } } };
    if (event) message.event = event;
    var body = JSON.stringify({ writeKey: key, batch: [message], sentAt: at });
    if (!(n.sendBeacon && n.sendBeacon(to, body))) {
      var request = new XMLHttpRequest();
      request.open("POST", to);
      request.setRequestHeader("Content-Type", "text/plain");
      request.send(body);
    }
  }

  var shown;
  function page() {
    if (shown == location.href || !allowed()) return;
    send("page", "", {});
    last = shown = location.href;
  }
  /* Passwords, files, cards and hidden tokens stay where they are. */
  function submitted(e) {
    var form = e.target, found = {}, data = form.elements, i, field, name;
    if (!data || form.getAttribute("data-leadstreams") == "off") return;
    for (i = 0; i < data.length; i++) {
      field = data[i];
      name = field.name;
      if (!name || !field.value || field.disabled || field.getAttribute("data-leadstreams") == "off") continue;
      if (/^(password|file|submit|button|image|reset)$/.test(field.type) || /^cc-/.test(field.autocomplete)) continue;
      if (field.type == "hidden" && !/^utm_/.test(name)) continue;
      if (/^(checkbox|radio)$/.test(field.type) && !field.checked) continue;
      found[name] = field.type == "checkbox" && field.value == "on" ? true : field.value;
    }
    found.form_id = form.getAttribute("id") || form.getAttribute("name") || location.pathname;
    if (form.getAttribute("data-form-type")) found.form_type = form.getAttribute("data-form-type");
    send("track", "Form Submitted", found);
  }

  w.leadstreams = {
    track: function (event, properties) { send("track", event, properties || {}); },
    consent: function (yes) {
      put("consent", yes ? "yes" : "no");
      if (yes) page(); else { put("id"); put("session"); shown = last = null; }
    }
  };
  d.addEventListener("submit", submitted, true);
  w.addEventListener("popstate", page);
  ["pushState", "replaceState"].forEach(function (name) {
    var before = history[name];
    history[name] = function () { var out = before.apply(this, arguments); setTimeout(page, 0); return out; };
  });
  page();
})(window, document);
