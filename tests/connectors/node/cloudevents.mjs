// The official JavaScript SDK reads records of Kafka from standard input, one JSON object a line, strictly.
import { createInterface } from 'node:readline';
import { Kafka } from 'cloudevents';

for await (const line of createInterface({ input: process.stdin })) {
  const { headers, value } = JSON.parse(line);
  const event = Kafka.toEvent({ headers, body: value, value });
  event.validate();
  console.log(JSON.stringify({ id: event.id, type: event.type, subject: event.subject, name: event.data.name ?? null }));
}
