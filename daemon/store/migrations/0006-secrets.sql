-- Definitions in journals had the passwords of screens; of what has ended nobody needs them, and from
-- here on no operation keeps them. What is under way loses them when it is taken up.
UPDATE op SET journal = json_remove(journal, '$.old_xml', '$.new_xml')
    WHERE ended_ms IS NOT NULL AND json_valid(journal);
