// The words of the camera in English.
export default {
  takeThePhoto: "Take the photo",
  switchCamera: "Switch",
  switchCameraHint: "Switch to another camera",
  cameraStarting: "Starting the camera. Your browser may ask you to allow it.",
  cameraRefused: "This page isn’t allowed to use the camera. Allow it in your browser’s settings, then try again.",
  cameraMissing: "I can’t find a camera. Connect one and try again, or choose a photo instead.",
  cameraBusy: "The camera is in use. Close other programs that use it, then try again.",
  cameraLost: "The camera stopped. Check that it’s connected and that no other program uses it, then try again.",
  cameraFailed: "The camera didn’t start. Try again, or choose a photo instead.",
  live: "Recognise live",
  liveHint: "Sends a small picture a few times a second. We don’t keep any.",
  liveNoFace: "I see no face.",
  liveSlower: "The service is busy, so I look less often.",
  stillThere: "Are you still there? I stopped sending pictures.",
  goOn: "Continue",
};
