// Re-encodes photos beside the page, so that it stays responsive; each is answered on the port it comes with.
import { shrink } from "./shrink.js";

addEventListener("message", async ({ data: file, ports: [port] }) => {
  port.postMessage(await shrink(file));
});
