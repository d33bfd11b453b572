-- Definitions in journals had the passwords of screens. Of what has ended nobody needs them, and no operation keeps
-- them from here on; what is under way reads libvirt's again before it defines.
UPDATE op SET journal = json_remove(journal, '$.old_xml', '$.new_xml') WHERE json_valid(journal);
