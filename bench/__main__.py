"""`make bench`; apart from `bench.run`, because the workers of `visage prepare` import this module once more."""

if __name__ == "__main__":
    from bench.run import main

    main()
