-- The end of the division into partitions (central/migrations/partitioning.py has done the rest while everybody went on working).

-- Every unique key of a large table holds the column by which its rows may be spread over machines; a journal has one agent.
ALTER TABLE epochs DROP CONSTRAINT epochs_journal_key, ADD CONSTRAINT epochs_journal_key UNIQUE USING INDEX epochs_by_journal;

DROP FUNCTION set_aside(text);
DROP FUNCTION take_in(text);
DROP FUNCTION bound_by(text, text);
