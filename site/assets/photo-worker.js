// A worker that re-encodes photos, so that the page stays responsive. The result goes to the port of the message.
import { shrink } from "./shrink.js";

addEventListener("message", async ({ data: file, ports: [port] }) => {
  port.postMessage(await shrink(file));
});
