// A page's camera and microphone over WHIP: what the dashboard does, as short as it can be.
window.whip = {
  async start(url, key) {
    const media = await navigator.mediaDevices.getUserMedia({
      video: { width: 640, height: 360, frameRate: 30 },
      audio: true,
    });
    const pc = new RTCPeerConnection();
    for (const track of media.getTracks()) pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
    await pc.setLocalDescription(await pc.createOffer());
    const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${key}` };
    const answer = await fetch(url, { method: "POST", headers, body: pc.localDescription.sdp });
    if (answer.status !== 201) return answer.status;
    this.answer = await answer.text();
    await pc.setRemoteDescription({ type: "answer", sdp: this.answer });
    Object.assign(this, { pc, etag: answer.headers.get("ETag"), resource: answer.headers.get("Location") });
    return 201;
  },
  async state() {
    let sent = { state: this.pc.connectionState, bytes: 0, keyframes: 0, width: 0, remoteUfrag: "" };
    for (const each of (await this.pc.getStats()).values())
      if (each.type === "outbound-rtp" && each.kind === "video")
        Object.assign(sent, { bytes: each.bytesSent, keyframes: each.keyFramesEncoded, width: each.frameWidth });
    sent.ice = this.pc.iceConnectionState;
    return sent;
  },
  async resize(scale) {
    const sender = this.pc.getSenders().find((each) => each.track.kind === "video");
    const parameters = sender.getParameters();
    parameters.encodings[0].scaleResolutionDownBy = scale;
    await sender.setParameters(parameters);
  },
  async restart() {
    const offer = await this.pc.createOffer({ iceRestart: true });
    await this.pc.setLocalDescription(offer);
    const find = (text, name) => text.match(new RegExp(`a=${name}:(.*)`))[1].trim();
    const body = ["ice-ufrag", "ice-pwd"].map((name) => `a=${name}:${find(offer.sdp, name)}\r\n`).join("");
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" };
    const answer = await fetch(this.resource, { method: "PATCH", headers, body });
    const fragment = await answer.text();
    if (answer.status !== 200) return answer.status;
    let sdp = this.answer;
    for (const name of ["ice-ufrag", "ice-pwd"])
      sdp = sdp.replaceAll(new RegExp(`a=${name}:.*`, "g"), `a=${name}:${find(fragment, name)}`);
    await this.pc.setRemoteDescription({ type: "answer", sdp });
    return answer.headers.get("ETag") !== this.etag ? 200 : 0;
  },
  async stop() {
    const answer = await fetch(this.resource, { method: "DELETE" });
    this.pc.close();
    return answer.status;
  },
};
