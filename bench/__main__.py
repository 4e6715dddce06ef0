"""`make bench`. Apart from `bench.run`, because each worker process of `visage prepare` imports this module again."""

if __name__ == "__main__":
    from bench.run import main

    main()
