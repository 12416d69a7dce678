from concurrent.futures import ThreadPoolExecutor

from media.journal.disk import Disk
from media.journal.metrics import DiskCollector


def values(collector: DiskCollector) -> dict[str, float]:
    return {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}


def test_a_disk_in_trouble_is_counted() -> None:
    with ThreadPoolExecutor(1) as thread:
        disk = Disk(thread)
        collector = DiskCollector(disk)
        assert set(values(collector).values()) == {0}
        disk.fell_behind("one", "No space left on device")
        disk.failures, disk.slow_writes, disk.lost_segments = 1, 2, 3
    assert values(collector) == {
        "tally_spool_behind": 1,
        "tally_spool_failures_total": 1,
        "tally_spool_slow_writes_total": 2,
        "tally_spool_lost_segments_total": 3,
    }
