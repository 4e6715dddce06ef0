// What a file is, by its first bytes, and which files of a choice are left out.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { kindOf, sortFiles } from "../../site/assets/kind.js";
import { leftOut } from "../../site/assets/sentences.js";

const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const file = (content, name = "file", type = "") => new File([bytes(content)], name, { type });
const box = (brand) => `\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mp42`;

const KINDS = {
  photo: [
    "\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a", "RIFF\0\0\0\0WEBPVP8 ", "BM\x36\0\0\0\0\0\0\0", "II*\0", "MM\0*", "MM\0+",
    ...["heic", "heix", "hevc", "heim", "heis", "hevm", "hevs", "mif1", "msf1", "avif", "avis"].map(box),
    `\xff\xd8\xff\xe1 a motion photo ${box("mp42")}`, "\xff\xd8\xff\xe1 a photo that names %PDF-",
  ],
  video: [
    ...["isom", "mp42", "M4V ", "qt  ", "3gp4", "avc1", "dash"].map(box),
    "\0\0\0\x08wide", "\0\0\x01\0moov", "\x1a\x45\xdf\xa3webm", "RIFF\0\0\0\0AVI LIST", "OggS\0", "FLV\x01", "\x30\x26\xb2\x75\x8e",
    "\0\0\x01\xba", "\0\0\x01\xb3", `G${"\0".repeat(187)}G`,
  ],
  pdf: ["%PDF-1.7", "\xef\xbb\xbf%PDF-1.4", `${"\n".repeat(500)}%PDF-1.4`],
  empty: [""],
  other: ["Dear Sir", "PK\x03\x04", "<svg xmlns='http://www.w3.org/2000/svg'/>", "%!PS-Adobe", "BMW has a photo", "ID3\x04", box("crx "), "\0\0\0\x0cJXL \r\n"],
};

for (const [kind, contents] of Object.entries(KINDS)) {
  for (const content of contents) {
    test(`${JSON.stringify(content.slice(0, 30))} is of the kind ${kind}`, async () => {
      assert.equal(await kindOf(file(content)), kind);
    });
  }
}

test("the content counts, and not the name or the type", async () => {
  assert.equal(await kindOf(file("%PDF-1.7", "photo.jpg", "image/jpeg")), "pdf");
  assert.equal(await kindOf(file(box("mp42"), "photo.heic", "image/heic")), "video");
  assert.equal(await kindOf(file("\xff\xd8\xff", "paper.pdf", "application/pdf")), "photo");
  assert.equal(await kindOf(file("\xff\xd8\xff", "film.mov", "video/quicktime")), "photo");
});

test("the type counts where the content says nothing", async () => {
  assert.equal(await kindOf(file("?", "paper", "application/pdf")), "pdf");
  assert.equal(await kindOf(file("?", "film", "video/x-ms-wmv")), "video");
});

test("a file that can't be read is said to be so", async () => {
  const gone = { size: 4096, type: "", slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException("", "NotFoundError")) }) };
  assert.equal(await kindOf(gone), "unreadable");
});

test("photos are told from everything else of a choice", async () => {
  const [jpeg, heic] = [file("\xff\xd8\xff", "a.jpg", "image/jpeg"), file(box("heic"), "b.heic")];
  const [unknown, icon] = [file("?", "c"), file("?", "d.ico", "image/x-icon")];
  const wrong = [file("%PDF-", "e.pdf"), file(box("qt  "), "f.mov"), file("", "g.jpg"), file("PK", "h.docx", "application/zip")];
  const { photos, others } = await sortFiles([wrong[0], jpeg, wrong[1], heic, unknown, wrong[2], icon, wrong[3]]);
  assert.deepEqual(photos, [jpeg, heic, unknown, icon]);
  assert.deepEqual(others.map(({ name, kind }) => [name, kind]), [["e.pdf", "pdf"], ["f.mov", "video"], ["g.jpg", "empty"], ["h.docx", "other"]]);
});

test("the files that are left out are named with what they are", () => {
  const [pdf, film, folder] = [{ name: "e.pdf", kind: "pdf" }, { name: "f.mov", kind: "video" }, { name: "trip", kind: "folder" }];
  assert.equal(leftOut([]), "");
  assert.equal(leftOut([pdf]), "Not sent: e.pdf (a PDF).");
  assert.equal(leftOut([pdf, film]), "Not sent: e.pdf (a PDF) and f.mov (a video).");
  assert.equal(leftOut([pdf, film, folder, pdf, pdf]), "Not sent: e.pdf (a PDF), f.mov (a video), trip (a folder) and 2 more.");
});
