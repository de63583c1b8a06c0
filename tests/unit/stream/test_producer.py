"""The producer ends, whatever the broker does."""

from kafka.errors import KafkaTimeoutError

from postrail.settings import KafkaSettings
from postrail.stream.producer import Producer


class Stuck:
    """A client whose broker does not answer any more."""

    def close(self, seconds: float) -> None:
        """Waits in vain."""
        raise KafkaTimeoutError(f"not closed after {seconds} s")


async def test_a_broker_that_does_not_answer_does_not_disturb_the_end() -> None:
    producer = Producer(KafkaSettings())
    producer._producer = Stuck()
    await producer.close()
