from sandbox.engine.processes import Process


def test_a_killed_process_has_its_last_words_reported(tmp_path):
    """A provider is killed at the end of a phase; what it wrote before stands in the output of that phase."""
    process = Process(["sh", "-c", "echo serving; seq 4000; touch written; exec sleep 60"], tmp_path, {})
    told = tmp_path / "told"

    def tell(line):
        with told.open("a") as file:  # as slow as a terminal
            file.write(line)

    with process._process:  # closes the pipes, which the end of an engine closes
        assert process.read_line() == "serving\n"
        while not (tmp_path / "written").exists():
            continue

        process.forward(tell)
        process.kill()

        assert told.read_text().splitlines() == [str(number) for number in range(1, 4001)]
