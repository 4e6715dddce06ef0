def test_bundle(bundle, samples):
    from model.recognizer import Recognizer
    r = Recognizer.load(str(bundle))
    import time
    for f in (samples/'unseen/Barack Obama/obama2.jpg', samples/'strangers/friends.jpg'):
        for _ in range(3):
            x=r.recognize(f.read_bytes()); print(x.timing_ms)
        for face in x.faces: print(face)
    assert 0
