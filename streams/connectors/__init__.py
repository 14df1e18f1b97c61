"""From `sales-handoffs` to where sales works. Each connector is a consumer group of its own.

The core is pure: an event and a mapping give the requests (`salesforce`, `hubspot`, `webhook`, `sql`, `chat`), a
window says what may be sent now and what may be committed (`window`), a gate says when to wait (`gate`). Around it
is a thin shell of HTTP, SQL and Kafka (`runner`).
"""
