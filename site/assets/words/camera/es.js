// The words of the camera in Spanish.
export default {
  takeThePhoto: "Hacer la foto",
  switchCamera: "Cambiar",
  switchCameraHint: "Cambiar de cámara",
  cameraStarting: "Encendiendo la cámara. Puede que el navegador te pida permiso.",
  cameraRefused: "Esta página no tiene permiso para usar la cámara. Dáselo en los ajustes del navegador y vuelve a intentarlo.",
  cameraMissing: "No encuentro ninguna cámara. Conecta una y vuelve a intentarlo, o elige una foto.",
  cameraBusy: "La cámara está en uso. Cierra los otros programas que la usen y vuelve a intentarlo.",
  cameraLost: "La cámara se ha parado. Mira si sigue conectada y si la usa otro programa, y vuelve a intentarlo.",
  cameraFailed: "La cámara no se ha encendido. Vuelve a intentarlo, o elige una foto.",
  live: "Reconocer en directo",
  liveHint: "Envía una imagen pequeña varias veces por segundo. No guardamos ninguna.",
  liveNoFace: "No veo ninguna cara.",
  liveSlower: "El servicio está ocupado, así que miro con menos frecuencia.",
  stillThere: "¿Sigues ahí? He dejado de enviar imágenes.",
  goOn: "Continuar",
};
